package leases

import (
	"time"

	"github.com/penstock-go/penstock/internal/tee"
)

// Hooks are told what happens to this worker's leases. Every field may be nil. They are called from the coordinator's goroutines
// with no lock held, must return soon, and may be called side by side.
type Hooks struct {
	// Acquired: the worker holds the lease now, and its Work starts.
	Acquired func(Lease)
	// Lost: the lease is gone, or trust in it has ended. Work's context has ended with ErrLost.
	Lost func(l Lease, cause error)
	// HandoffAsked: another worker (Lease.Owner) wants the lease, or should have it; draining begins.
	HandoffAsked func(Lease)
	// HandoffRefused: Work did not return in time even after it was cancelled, so the lease stays here.
	HandoffRefused func(Lease)
	// Ended: SHARD_END was written.
	Ended func(Lease)
	// Released: Work returned, and the lease was given to worker to, or to nobody in particular where that is empty.
	Released func(l Lease, to string)
	// Given: a lease whose holder was silent, or that had none, was written in the name of worker to, which adopts it.
	Given func(l Lease, to string)
	// Scanned: the table was read, or in a large one a part of it, which the snapshot holds. planned tells how many leases this worker is about to take,
	// to ask for, to give and to offer.
	Scanned func(s Snapshot, planned Planned)
	// Repaired: a lease was missing of a shard that has to be read, and was created.
	Repaired func(Lease)
	// Deleted: a lease was deleted that nobody needs any more.
	Deleted func(Lease)
	// StoreFailed: a call to the store failed. It will be made again; op is the Store method's name.
	StoreFailed func(op string, err error)
	// Called: a call to the store returned, unless it was cut short because the worker stops. Renewals that were made in one call are told of
	// one by one.
	Called func(Called)
	// Audited: the leases were set against what the service lists, by this worker on behalf of the fleet.
	Audited func(Audited)
}

// Planned is what one look at the table led to, and what it is made of.
type Planned struct {
	Take, Ask, Give int
	Offer           int // of its own, in large tables: to workers that lack leases and do not ask
	Share           int // how many leases this worker should have, by the last plan
	Idle            int // leases that can be read, and that no live worker holds
	Old             int // those of them whose rows have stood still for three failover times and more, as far as this worker has seen
}

// Called describes a call to the store.
type Called struct {
	Op string // the Store method's name
	// For tells what a Write or a Create is for, else it is empty. Write: renew, adopt, checkpoint, end, pin, take, give, ask, offer, complete,
	// refuse, assign, evict. Create: sync (the first leases of a stream), child, parent (the other one of a merged shard), repair.
	For      string
	Key      string // of the lease, where the call is about one
	Created  bool   // of Create: there was no such lease
	Duration time.Duration
	Err      error // a *ConflictError: somebody else was quicker, or an earlier attempt had landed
}

// Audited describes an audit of all streams' leases.
type Audited struct {
	Streams  int // that were looked at; those in the midst of a reshard are left to the next audit
	Partial  int // those of them that lack leases
	Repaired int // those of them for which leases were created
	Duration time.Duration
	Err      error // the shards of some streams, or of all, could not be listed
}

// Tee returns hooks that tell each of the given ones, in their order.
func Tee(hooks ...Hooks) Hooks {
	var all Hooks
	for _, h := range hooks {
		all = Hooks{
			Acquired:       tee.One(all.Acquired, h.Acquired),
			Lost:           tee.Two(all.Lost, h.Lost),
			HandoffAsked:   tee.One(all.HandoffAsked, h.HandoffAsked),
			HandoffRefused: tee.One(all.HandoffRefused, h.HandoffRefused),
			Ended:          tee.One(all.Ended, h.Ended),
			Released:       tee.Two(all.Released, h.Released),
			Given:          tee.Two(all.Given, h.Given),
			Scanned:        tee.Two(all.Scanned, h.Scanned),
			Repaired:       tee.One(all.Repaired, h.Repaired),
			Deleted:        tee.One(all.Deleted, h.Deleted),
			StoreFailed:    tee.Two(all.StoreFailed, h.StoreFailed),
			Called:         tee.One(all.Called, h.Called),
			Audited:        tee.One(all.Audited, h.Audited),
		}
	}
	return all
}

// withDefaults returns hooks of which none is nil.
func (h Hooks) withDefaults() Hooks {
	fill(&h.Acquired, func(Lease) {})
	fill(&h.Lost, func(Lease, error) {})
	fill(&h.HandoffAsked, func(Lease) {})
	fill(&h.HandoffRefused, func(Lease) {})
	fill(&h.Ended, func(Lease) {})
	fill(&h.Released, func(Lease, string) {})
	fill(&h.Given, func(Lease, string) {})
	fill(&h.Scanned, func(Snapshot, Planned) {})
	fill(&h.Repaired, func(Lease) {})
	fill(&h.Deleted, func(Lease) {})
	fill(&h.StoreFailed, func(string, error) {})
	fill(&h.Called, func(Called) {})
	fill(&h.Audited, func(Audited) {})
	return h
}

// fill sets a hook that is nil.
func fill[F func(Lease) | func(Lease, error) | func(Lease, string) | func(Snapshot, Planned) | func(string, error) | func(Called) | func(Audited)](hook *F, none F) {
	if *hook == nil {
		*hook = none
	}
}
