package leases

import (
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

// Write is one conditional change of one row. It can be made inside this package alone, from a row that was read and for an
// operation of the protocol; so a write without its fence cannot be spelled. A store reads Condition and Change and carries them
// out in one step; one that can lock a row may use Holds and Apply, which are the definition.
type Write struct {
	key       string
	purpose   string // for the hooks: a word
	condition Condition
	change    Change
}

// Key names the row.
func (w Write) Key() string { return w.key }

// Condition returns what must hold of the row.
func (w Write) Condition() Condition { return w.condition }

// Change returns what becomes of the row.
func (w Write) Change() Change { return w.change }

// Field is what a write says about one attribute; its zero value says nothing.
type Field[T any] struct {
	named bool
	value T
}

// Exactly returns a Field that names v.
func Exactly[T any](v T) Field[T] { return Field[T]{named: true, value: v} }

// Get returns the value, and whether the write says anything at all.
func (f Field[T]) Get() (value T, named bool) { return f.value, f.named }

// Condition is what must hold of a row for a write to happen. That the row exists is always part of it.
type Condition struct {
	Counter         Field[int64]
	Owner           Field[string] // "": the attribute is absent
	CheckpointOwner Field[string] // "": the attribute is absent
	Unfinished      bool          // the checkpoint is not SHARD_END
	Ended           bool          // the checkpoint is SHARD_END
	NoStartAt       bool          // the attribute is absent
}

// Change is what a write does to a row. What it does not name stays.
type Change struct {
	NextCounter     bool          // the counter goes up by one
	Owner           Field[string] // "": the attribute is removed
	CheckpointOwner Field[string] // "": the attribute is removed
	CountSwitch     bool          // OwnerSwitches goes up by one
	// Checkpoint also sets OwnerSwitches to 0, and removes the attributes of the Java library's two-phase checkpoint, which was
	// prepared for a position that is now passed.
	Checkpoint Field[checkpoint.Position]
	Children   []string  // empty: stays
	StartAt    time.Time // zero: stays
	// ThroughputKBps is what the holder reads, in KiB/s.
	ThroughputKBps Field[float64]
}

// Holds reports whether the write's condition holds of row.
func (w Write) Holds(row Lease) bool {
	c := w.condition
	return says(c.Counter, row.Counter) && says(c.Owner, row.Owner) && says(c.CheckpointOwner, row.CheckpointOwner) &&
		(!c.Unfinished || !row.Ended()) && (!c.Ended || row.Ended()) && (!c.NoStartAt || row.StartAt.IsZero())
}

func says[T comparable](f Field[T], actual T) bool { return !f.named || f.value == actual }

// Apply returns row as the write leaves it.
func (w Write) Apply(row Lease) Lease {
	c := w.change
	if c.NextCounter {
		row.Counter++
	}
	if c.CountSwitch {
		row.OwnerSwitches++
	}
	if owner, named := c.Owner.Get(); named {
		row.Owner = owner
	}
	if owner, named := c.CheckpointOwner.Get(); named {
		row.CheckpointOwner = owner
	}
	if position, named := c.Checkpoint.Get(); named {
		row.Checkpoint, row.OwnerSwitches = position, 0
	}
	if len(c.Children) > 0 {
		row.Children = c.Children
	}
	if !c.StartAt.IsZero() {
		row.StartAt = c.StartAt
	}
	if rate, named := c.ThroughputKBps.Get(); named {
		row.ThroughputKBps = rate
	}
	return row
}

// NewWrite spells any write. Only the packages below leases can name the key that it asks for: it is there for the conformance
// suite, which tries each clause of a condition by itself.
func NewWrite(key seal.Key, row string, condition Condition, change Change) Write {
	if !key.Opens() {
		panic("leases: NewWrite without a key")
	}
	return Write{key: row, condition: condition, change: change}
}

// The protocol's writes follow. Each is made from the row as last read and carries the fence that the KCL's own write of that
// name has; all but those that leave the counter alone demand the counter as well.

const purposeRenew = "renew"

// renewal keeps a held lease. The KCL's renewal also demands that no handoff is in
// progress and repeats itself without the clause; ours looks at the row that comes back.
func renewal(row Lease) Write {
	return Write{key: row.Key, purpose: purposeRenew, condition: Condition{Counter: Exactly(row.Counter)}, change: Change{NextCounter: true}}
}

// adoption is a renewal by which a worker comes to hold a lease that names it.
func adoption(row Lease) Write { return renewal(row).as("adopt") }

// progressTo is a checkpoint. Like the KCL's it says nothing about owners, so it is legal during a handoff.
func progressTo(row Lease, to checkpoint.Position) Write {
	w := renewal(row).as("checkpoint")
	w.change.Checkpoint = Exactly(to)
	return w
}

// finale is the last write of a shard: its children and SHARD_END become visible together, and the row is nobody's from then on.
func finale(row Lease, children []string) Write {
	w := progressTo(row, checkpoint.ShardEnd).as("end")
	w.change.Children = children
	w.change.Owner, w.change.CheckpointOwner = Exactly(""), Exactly("")
	return w
}

// pin writes down where LATEST is, once.
func pin(row Lease, at time.Time) Write {
	w := renewal(row).as("pin")
	w.condition.NoStartAt = true
	w.change.StartAt = at
	return w
}

// take makes an unowned or expired lease this worker's. It always ends a handoff: to initiate one does not move the counter, so
// the condition would let one through that began after the row was read.
func take(row Lease, worker string) Write {
	w := renewal(row).as("take")
	w.change.Owner, w.change.CheckpointOwner = Exactly(worker), Exactly("")
	w.change.CountSwitch = row.Holder() != "" && row.Holder() != worker
	return w
}

// give makes an unowned or expired lease another worker's.
func give(row Lease, worker string) Write { return take(row, worker).as("give") }

// ask initiates a handoff. The counter stays, so that the holder's renewals go on. A lease at SHARD_END must not be asked for: a
// Java holder would renew it for ever and never answer.
func ask(row Lease, worker string) Write {
	return Write{
		key:       row.Key,
		purpose:   "ask",
		condition: Condition{Owner: Exactly(row.Owner), CheckpointOwner: Exactly(""), Unfinished: true},
		change:    Change{Owner: Exactly(worker), CheckpointOwner: Exactly(row.Owner)},
	}
}

// offer is ask, made by the holder in the name of the worker that should have the lease.
func offer(row Lease, worker string) Write { return ask(row, worker).as("offer") }

// complete ends a handoff: the asker has the lease from then on. Without the counter in the condition, a completion that was
// held up on its way could end a later handoff between the same two workers under the holder's feet.
func complete(row Lease) Write {
	w := asRead(row).as("complete")
	w.change.CheckpointOwner = Exactly("")
	w.change.CountSwitch = true
	return w
}

// refuse ends a handoff in favour of the holder. The holder refuses with it, and the asker withdraws with it. The counter stays:
// the holder's writes in flight are none the wiser.
func refuse(row Lease) Write {
	return Write{
		key:       row.Key,
		purpose:   "refuse",
		condition: Condition{Owner: Exactly(row.Owner), CheckpointOwner: Exactly(row.CheckpointOwner)},
		change:    Change{Owner: Exactly(row.CheckpointOwner), CheckpointOwner: Exactly("")},
	}
}

// assign gives a lease to another worker. A handoff that is in progress ends with it.
func assign(row Lease, to string) Write {
	w := asRead(row).as("assign")
	w.change.Owner, w.change.CheckpointOwner = Exactly(to), Exactly("")
	w.change.CountSwitch = true
	return w
}

// bequest gives a lease away: to a worker, or to nobody where the name is empty.
func bequest(row Lease, to string) Write {
	if to == "" {
		return evict(row)
	}
	return assign(row, to)
}

// evict makes a lease nobody's.
func evict(row Lease) Write {
	w := asRead(row).as("evict")
	w.change.Owner, w.change.CheckpointOwner = Exactly(""), Exactly("")
	return w
}

// removal deletes a lease, if it is as it was read. The KCL's own deletes have no condition.
func removal(row Lease) Write {
	return Write{key: row.Key, condition: Condition{Counter: Exactly(row.Counter), Ended: row.Ended()}}
}

// asRead demands that counter and owners are as they were read, and moves the counter.
func asRead(row Lease) Write {
	w := renewal(row)
	w.condition.Owner, w.condition.CheckpointOwner = Exactly(row.Owner), Exactly(row.CheckpointOwner)
	return w
}

// as names what a write is for.
func (w Write) as(purpose string) Write {
	w.purpose = purpose
	return w
}
