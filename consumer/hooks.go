package consumer

import (
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/tee"
	"github.com/penstock-go/penstock/leases"
)

// Hooks are functions that are told what happens. Any of them may be nil. They are called from the consumer's own goroutines, those of
// several shards at once, and hold up the shard they are told about: they must be quick and must not panic.
type Hooks struct {
	// StateChanged: a shard went from one state of its life to the next.
	StateChanged func(s Shard, from, to State)
	// Started: a handler was made and began with its shard, or could not.
	Started func(Started)
	// Stopped: a handler was told that its shard has ended, is given up, or is lost.
	Stopped func(Stopped)
	// Fetched: a page came, with or without records.
	Fetched func(Fetched)
	// FetchFailed: reading a shard failed; it is tried again for as long as the lease is held. Errors match the SDK's and those
	// of this package.
	FetchFailed func(s Shard, err error)
	// Handled: the handler returned.
	Handled func(Handled)
	// Checkpointed: a checkpoint was written, or could not be.
	Checkpointed func(Checkpointed)
	// Trimmed: records were lost to the reader, or may have been, because the stream does not keep them any more.
	Trimmed func(*TrimmedError)
	// MalformedAggregate: an aggregate could not be taken apart and is handled as one plain record.
	MalformedAggregate func(*AggregateError)
	// OutsideShard: so many members of aggregates, in one page, have hash keys that do not belong to the shard. They are handled like
	// any other, or left out where Config.DropOutsideShard is set. The KCL drops the whole aggregate in that case. Setting this hook costs an MD5 for each member.
	OutsideShard func(s Shard, members int)
	// DeadLettered: the dead-letter sink was called.
	DeadLettered func(DeadLettered)
	// FellBack: the server does not take CBOR, and JSON is used from now on. It is called once at most. The error says what it answered.
	FellBack func(error)
	// NearRetention: what is not handled of a shard is nearly as old as the stream keeps records. It is repeated every hour.
	NearRetention func(NearRetention)
	// PolledInstead: a stream is read by polling, since it has no room for another enhanced fan-out consumer.
	PolledInstead func(stream string, err error)
	// Called: a call of the Kinesis API returned; of SubscribeToShard, the subscription is open.
	Called func(Called)
	// Synced: the leases of a stream were compared with its shards, when Run began or a stream was added.
	Synced func(Synced)
	// Leases is told what the leases do.
	Leases leases.Hooks
}

// Tee returns hooks that tell each of the given ones, in their order.
func Tee(hooks ...Hooks) Hooks {
	var all Hooks
	for _, h := range hooks {
		all = Hooks{
			StateChanged:       tee.Three(all.StateChanged, h.StateChanged),
			Started:            tee.One(all.Started, h.Started),
			Stopped:            tee.One(all.Stopped, h.Stopped),
			Fetched:            tee.One(all.Fetched, h.Fetched),
			FetchFailed:        tee.Two(all.FetchFailed, h.FetchFailed),
			Handled:            tee.One(all.Handled, h.Handled),
			Checkpointed:       tee.One(all.Checkpointed, h.Checkpointed),
			Trimmed:            tee.One(all.Trimmed, h.Trimmed),
			MalformedAggregate: tee.One(all.MalformedAggregate, h.MalformedAggregate),
			OutsideShard:       tee.Two(all.OutsideShard, h.OutsideShard),
			DeadLettered:       tee.One(all.DeadLettered, h.DeadLettered),
			FellBack:           tee.One(all.FellBack, h.FellBack),
			NearRetention:      tee.One(all.NearRetention, h.NearRetention),
			PolledInstead:      tee.Two(all.PolledInstead, h.PolledInstead),
			Called:             tee.One(all.Called, h.Called),
			Synced:             tee.One(all.Synced, h.Synced),
			Leases:             leases.Tee(all.Leases, h.Leases),
		}
	}
	return all
}

// Fetched describes a page that was read from a shard.
type Fetched struct {
	Shard   Shard
	Records int // Kinesis records: an aggregate counts as one
	Bytes   int // data and keys
	// MillisBehindLatest is how far the page's end is behind the tip of the shard, in milliseconds, as the service says.
	MillisBehindLatest int64
	// Duration is how long the call took; with enhanced fan-out, how long it was waited for the event.
	Duration time.Duration
}

// Synced describes the beginning with a stream.
type Synced struct {
	Stream   string
	Shards   int // that the service listed
	Created  int // leases that were created
	Duration time.Duration
	Err      error
}

// Handled describes one call of the handler.
type Handled struct {
	Shard   Shard
	Records int // user records in the batch
	Bytes   int // of data and keys
	Done    int // how many of them, from the first on, are done now
	Attempt int // 1 for the first call with these records
	// Arrival is that of the batch's last record at the service, to the millisecond.
	Arrival time.Time
	// MillisBehindLatest is that of the page with the last of the records.
	MillisBehindLatest int64
	Duration           time.Duration
	// Err is what the handler returned, or a *PanicError; where it returned nil after its context had ended, why that was.
	Err error
}

// DeadLettered describes one call of the dead-letter sink.
type DeadLettered struct {
	Failed
	Err error // nil: the sink has the records, and they count as done
}

// Checkpointed describes an attempt to write a checkpoint.
type Checkpointed struct {
	Shard    Shard
	Position checkpoint.Position
	Duration time.Duration
	Err      error // nil: it is written
}

func (h *Hooks) stateChanged(s Shard, from, to State) {
	if h.StateChanged != nil {
		h.StateChanged(s, from, to)
	}
}

func (h *Hooks) started(s Started) {
	if h.Started != nil {
		h.Started(s)
	}
}

func (h *Hooks) stopped(s Stopped) {
	if h.Stopped != nil {
		h.Stopped(s)
	}
}

func (h *Hooks) fetched(f Fetched) {
	if h.Fetched != nil {
		h.Fetched(f)
	}
}

func (h *Hooks) fetchFailed(s Shard, err error) {
	if h.FetchFailed != nil {
		h.FetchFailed(s, err)
	}
}

func (h *Hooks) handled(e Handled) {
	if h.Handled != nil {
		h.Handled(e)
	}
}

func (h *Hooks) deadLettered(d DeadLettered) {
	if h.DeadLettered != nil {
		h.DeadLettered(d)
	}
}

func (h *Hooks) nearRetention(w NearRetention) {
	if h.NearRetention != nil {
		h.NearRetention(w)
	}
}

func (h *Hooks) polledInstead(stream string, err error) {
	if h.PolledInstead != nil {
		h.PolledInstead(stream, err)
	}
}

func (h *Hooks) synced(s Synced) {
	if h.Synced != nil {
		h.Synced(s)
	}
}

func (h *Hooks) storeCalled(c leases.Called, began time.Time) {
	if h.Leases.Called != nil {
		c.Duration = time.Since(began)
		h.Leases.Called(c)
	}
}

func (h *Hooks) checkpointed(c Checkpointed) {
	if h.Checkpointed != nil {
		h.Checkpointed(c)
	}
}

func (h *Hooks) trimmed(err *TrimmedError) {
	if h.Trimmed != nil {
		h.Trimmed(err)
	}
}

func (h *Hooks) malformedAggregate(err *AggregateError) {
	if h.MalformedAggregate != nil {
		h.MalformedAggregate(err)
	}
}

func (h *Hooks) fellBack(err error) {
	if h.FellBack != nil {
		h.FellBack(err)
	}
}

func (h *Hooks) outsideShard(s Shard, members int) {
	if h.OutsideShard != nil {
		h.OutsideShard(s, members)
	}
}
