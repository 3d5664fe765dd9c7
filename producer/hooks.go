package producer

import "time"

// Hooks are functions that are told what happens. Any of them may be nil. They are called from the producer's own goroutines, several
// at once, and hold up the stage that they are told about: they must be quick and must not panic.
type Hooks struct {
	// RequestDone: a PutRecords call returned.
	RequestDone func(RequestDone)
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
	// Panicked: a done function panicked, with this value.
	Panicked func(value any)
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

func (h *Hooks) panicked(value any) {
	if h.Panicked != nil {
		h.Panicked(value)
	}
}
