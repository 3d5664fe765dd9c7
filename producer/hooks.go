package producer

import (
	"time"

	"github.com/penstock-go/penstock/internal/tee"
)

// Hooks are functions that are told what happens. Any of them may be nil. They are called from the producer's own goroutines, several
// at once, and hold up the stage that they are told about: they must be quick and must not panic.
type Hooks struct {
	// RequestDone: a PutRecords call returned.
	RequestDone func(RequestDone)
	// KinesisRecordDone: an attempt to store a Kinesis record came to an end, whatever it was. It is told after RequestDone.
	KinesisRecordDone func(KinesisRecordDone)
	// UserRecordsDone: records have their results, and their done functions have returned.
	UserRecordsDone func(UserRecordsDone)
	// Retried: a Kinesis record will be sent again.
	Retried func(Retried)
	// WrongShard: an aggregate was stored in a shard to which not all of its records belong, where consumers may drop it. Its
	// records are sent again, so that consumers that do not drop it see them twice.
	WrongShard func(WrongShard)
	// ShardMapLoaded: the stream's shards are known, for the first time or anew.
	ShardMapLoaded func(ShardMapLoaded)
	// Degraded: the shards are not known, so that records are sent without aggregation until they are. The error says why.
	Degraded func(error)
	// HotShard: a shard throttles though the stream as a whole has room; at most once in a minute for each shard.
	HotShard func(HotShard)
	// FellBack: the server does not take CBOR, and JSON is used from now on. It is called once at most. The error says what it answered.
	FellBack func(error)
	// Panicked: a done function panicked, with this value.
	Panicked func(value any)
}

// Tee returns hooks that tell each of the given ones, in their order.
func Tee(hooks ...Hooks) Hooks {
	var all Hooks
	for _, h := range hooks {
		all = Hooks{
			RequestDone:       tee.One(all.RequestDone, h.RequestDone),
			KinesisRecordDone: tee.One(all.KinesisRecordDone, h.KinesisRecordDone),
			UserRecordsDone:   tee.One(all.UserRecordsDone, h.UserRecordsDone),
			Retried:           tee.One(all.Retried, h.Retried),
			WrongShard:        tee.One(all.WrongShard, h.WrongShard),
			ShardMapLoaded:    tee.One(all.ShardMapLoaded, h.ShardMapLoaded),
			Degraded:          tee.One(all.Degraded, h.Degraded),
			HotShard:          tee.One(all.HotShard, h.HotShard),
			FellBack:          tee.One(all.FellBack, h.FellBack),
			Panicked:          tee.One(all.Panicked, h.Panicked),
		}
	}
	return all
}

// RequestDone describes one PutRecords call.
type RequestDone struct {
	Records     int // Kinesis records in the request
	UserRecords int // records as they were put
	Bytes       int // data and partition keys of the Kinesis records
	Failed      int // Kinesis records that were not stored, by the reply; all of them if Err is not nil
	Duration    time.Duration
	Err         error // the sentinel of this package for why the whole call failed, or nil
}

// KinesisRecordDone describes one attempt to store one Kinesis record.
type KinesisRecordDone struct {
	ShardID     string // that was expected to take it; "" if none was
	UserRecords int    // in it
	Bytes       int    // data and partition key
	// Buffering is the time before the attempt: from the Put of the first of its records, or from the end of the attempt before.
	Buffering time.Duration
	Code      string // as in [Attempt.Code]; empty if the service stored it
}

// UserRecordsDone describes records that shared their fate: all of an aggregate, or one that was sent alone.
type UserRecordsDone struct {
	ShardID     string // that stores them; "" if Err is not nil
	UserRecords int
	Bytes       int   // of data and keys, as they were put
	Attempts    int   // how often they were sent; 0 if never
	Err         error // why they were given up: as in [FailedError.Reason]; nil if they are stored
}

// Stats is what a producer holds, and how much it has taken in.
type Stats struct {
	Received       int64 // records for which Put has returned nil, or is about to
	PendingRecords int   // those of them whose done has not returned
	PendingBytes   int   // of those without a result: data, keys, and what aggregates and requests in flight take beside them
}

// Stats may be called at any time.
func (p *Producer) Stats() Stats {
	b := p.buffer
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{Received: b.received, PendingRecords: b.accepted, PendingBytes: b.size - b.bytes}
}

// observation is what the hooks are told of a request. It is made while the sender still owns the entries.
type observation struct {
	request RequestDone
	records []KinesisRecordDone
}

func (p *Producer) observe(request []*entry, outcomes []outcome, start, took moment) (o observation) {
	h := &p.cfg.Hooks
	if h.RequestDone == nil && h.KinesisRecordDone == nil {
		return o
	}
	o.request = RequestDone{Records: len(request), Duration: took}
	for i, e := range request {
		o.request.UserRecords += len(e.records)
		o.request.Bytes += e.size
		code := ""
		if f := outcomes[i].failure; f != nil {
			code = f.code
			o.request.Failed++
			if f.whole {
				o.request.Err = f.sentinel()
			}
		}
		if e.attempted == 0 {
			e.attempted = e.earliest - p.cfg.TTL
		}
		o.records = append(o.records, KinesisRecordDone{ShardID: e.expected, UserRecords: len(e.records), Bytes: e.size,
			Buffering: start - e.attempted, Code: code})
		e.attempted = start + took
	}
	return o
}

func (h *Hooks) observed(o observation) {
	if h.RequestDone != nil {
		h.RequestDone(o.request)
	}
	if h.KinesisRecordDone != nil {
		for _, r := range o.records {
			h.KinesisRecordDone(r)
		}
	}
}

func (h *Hooks) userRecordsDone(f *finished, bytes int) {
	if h.UserRecordsDone == nil {
		return
	}
	d := UserRecordsDone{ShardID: f.landed.shard, UserRecords: len(f.records), Bytes: bytes, Err: f.reason}
	if all := history(f.records[0].past, f.attempts); len(all) > 0 {
		d.Attempts = all[len(all)-1].Number
	}
	h.UserRecordsDone(d)
}

// Retried describes a failed attempt for which another one will be made.
type Retried struct {
	ShardID     string // that was expected to take the record; "" if none was
	UserRecords int
	Attempt     Attempt
	Delay       time.Duration // until the next attempt, at least
}

// WrongShard describes an aggregate that must be sent again because of where it went.
type WrongShard struct {
	Expected, Actual string // shard ids
	UserRecords      int    // how many may now occur twice
}

// ShardMapLoaded describes a listing of the stream's shards.
type ShardMapLoaded struct {
	Shards   int // open shards
	Duration time.Duration
}

func (h *Hooks) retried(r Retried) {
	if h.Retried != nil {
		h.Retried(r)
	}
}

func (h *Hooks) wrongShard(w WrongShard) {
	if h.WrongShard != nil {
		h.WrongShard(w)
	}
}

func (h *Hooks) shardMapLoaded(s ShardMapLoaded) {
	if h.ShardMapLoaded != nil {
		h.ShardMapLoaded(s)
	}
}

func (h *Hooks) degraded(err error) {
	if h.Degraded != nil {
		h.Degraded(err)
	}
}

func (h *Hooks) hotShard(s HotShard) {
	if h.HotShard != nil {
		h.HotShard(s)
	}
}

func (h *Hooks) fellBack(err error) {
	if h.FellBack != nil {
		h.FellBack(err)
	}
}

func (h *Hooks) panicked(value any) {
	if h.Panicked != nil {
		h.Panicked(value)
	}
}
