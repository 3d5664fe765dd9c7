package consumer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// Snapshot is what a worker knows at a moment.
type Snapshot struct {
	Worker  string // the name in the lease table; empty while Run does not run
	Streams []StreamStatus
	// Shards are those of every lease that the worker has seen, its own and others', sorted by stream and shard.
	Shards []ShardStatus
	// BufferedBytes is how much of MaxBufferedBytes is reserved.
	BufferedBytes int64
	// TableRead is when the lease table was last read, in whole or in part; what is said of others' shards is as old.
	TableRead time.Time
}

// StreamStatus is what a worker knows of a stream.
type StreamStatus struct {
	Name, ARN string
	FanOut    bool
	Retention time.Duration // as the service last said
}

// ShardStatus is what a worker knows of a shard.
type ShardStatus struct {
	Shard Shard
	Owner string // the worker that reads it, or nobody
	Held  bool   // it is this worker
	// Position is what the lease says is done.
	Position checkpoint.Position
	// What follows is known of held shards only.
	State State
	// Done is up to where everything is done, whether that is written down or not.
	Done checkpoint.Position
	// Lag is how far what is done is behind the tip of the shard: the age of the oldest record that is being handled, by this machine's clock
	// and no less than what the service said when it came, or, while there is none, what the service said with the last page, and the time
	// since then where the next one is overdue. Negative: not known yet.
	Lag time.Duration
	// Handling is how long the oldest call of the handler that is under way has taken.
	Handling time.Duration
}

// MaxLag returns the largest lag of the worker's shards: what the KCL calls MillisBehindLatest of the application, for this worker.
func (s *Snapshot) MaxLag() (lag time.Duration) {
	for i := range s.Shards {
		lag = max(lag, s.Shards[i].Lag)
	}
	return lag
}

// roll is what a run of the consumer knows of leases and has in hand.
type roll struct {
	mu      sync.Mutex // guards what follows
	worker  string
	readers map[string]*reader // by the key of the lease
	table   map[string]seenLease
	read    time.Time // when the table was last read
	tried   time.Time // when a call to the table last succeeded or failed
}

// seenLease is a row of the table and when it was read.
type seenLease struct {
	leases.Lease
	at time.Time
}

// forgetAfter is how many failover times a row is remembered that reading the table does not show any more.
const forgetAfter = 10

func newRoll(worker string) *roll {
	return &roll{worker: worker, readers: make(map[string]*reader), table: make(map[string]seenLease), tried: time.Now()}
}

func (l *roll) add(key string, r *reader) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers[key] = r
}

func (l *roll) remove(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.readers, key)
}

// all returns the readers that work now.
func (l *roll) all() []*reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]*reader, 0, len(l.readers))
	for _, r := range l.readers {
		all = append(all, r)
	}
	return all
}

// scanned notes what reading the table has shown.
func (l *roll) scanned(s leases.Snapshot, failover time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.read, l.tried = now, now
	for _, row := range s.Leases {
		l.table[row.Key] = seenLease{row, now}
	}
	for key, row := range l.table {
		if now.Sub(row.at) > forgetAfter*failover {
			delete(l.table, key)
		}
	}
}

// attempted notes that the worker has tried to reach the table.
func (l *roll) attempted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tried = time.Now()
}

// Snapshot returns what the worker knows now. It makes no call and may be used at any time.
func (c *Consumer) Snapshot() Snapshot {
	s := Snapshot{BufferedBytes: c.budget.used()}
	l := c.roll.Load()
	if l == nil {
		return s
	}
	for _, stream := range c.allStreams() {
		s.Streams = append(s.Streams, StreamStatus{
			Name: stream.id.Name(), ARN: stream.arn, FanOut: stream.fanOut, Retention: time.Duration(stream.retention.Load()),
		})
	}
	slices.SortFunc(s.Streams, func(a, b StreamStatus) int { return cmp.Compare(a.ARN, b.ARN) })
	held := make(map[string]*reader)
	l.mu.Lock()
	s.Worker, s.TableRead = l.worker, l.read
	rows := make([]leases.Lease, 0, len(l.table))
	for key, r := range l.readers {
		held[key] = r
		rows = append(rows, r.held.Lease())
	}
	for key, row := range l.table {
		if held[key] == nil {
			rows = append(rows, row.Lease)
		}
	}
	l.mu.Unlock()
	for _, row := range rows {
		s.Shards = append(s.Shards, c.shardStatus(row, held[row.Key], l.worker))
	}
	slices.SortFunc(s.Shards, func(a, b ShardStatus) int {
		return cmp.Or(cmp.Compare(a.Shard.Stream, b.Shard.Stream), cmp.Compare(a.Shard.ID, b.Shard.ID))
	})
	return s
}

func (c *Consumer) shardStatus(row leases.Lease, r *reader, worker string) ShardStatus {
	if r == nil {
		status := ShardStatus{Owner: row.Holder(), Position: row.Checkpoint, Lag: -1}
		name, arn := row.Stream, ""
		if s := c.streamOf(row.Stream); s != nil {
			name, arn = s.id.Name(), s.arn
		}
		status.Shard = Shard{
			Stream: name, ARN: arn, StreamID: row.Stream, ID: row.ShardID, Parents: row.Parents,
			StartingHashKey: row.StartingHashKey, EndingHashKey: row.EndingHashKey, Token: row.Counter,
		}
		if status.Owner == worker {
			status.Owner = "" // it was, and has been given up since the table was read
		}
		return status
	}
	done, _ := r.progress.unwritten()
	lag, handling := r.vital.read()
	return ShardStatus{
		Shard: r.shard, Owner: worker, Held: true, Position: row.Checkpoint, State: r.is(), Done: done, Lag: lag, Handling: handling,
	}
}
