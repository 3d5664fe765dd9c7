package catalog

import (
	"errors"

	"github.com/penstock-go/penstock/leases"
)

func (s *State) leaseHooks(to Sink) leases.Hooks {
	return leases.Hooks{
		Acquired: func(l leases.Lease) {
			s.hold(l.Key, true)
			to.Add(LeasesAcquired, 1)
		},
		Lost: func(l leases.Lease, _ error) {
			s.hold(l.Key, false)
			to.Add(LeasesLost, 1)
		},
		Released: func(l leases.Lease, worker string) {
			s.hold(l.Key, false)
			kind := "free"
			if worker != "" {
				kind = "handoff"
			}
			to.Add(LeasesReleased, 1, kind)
		},
		Ended: func(l leases.Lease) {
			s.hold(l.Key, false)
			to.Add(LeasesEnded, 1)
		},
		Given:          func(leases.Lease, string) { to.Add(LeasesGiven, 1) },
		Repaired:       func(leases.Lease) { to.Add(LeasesRepaired, 1) },
		Deleted:        func(leases.Lease) { to.Add(LeasesDeleted, 1) },
		HandoffAsked:   func(leases.Lease) { to.Add(LeasesAsked, 1) },
		HandoffRefused: func(leases.Lease) { to.Add(LeasesRefused, 1) },
		Scanned: func(seen leases.Snapshot, planned leases.Planned) {
			s.scanned(seen)
			if planned.Take > 0 {
				to.Add(LeasesTaken, float64(planned.Take))
			}
		},
		StoreFailed: func(op string, _ error) { to.Add(StoreFailures, 1, op) },
		Called:      func(c leases.Called) { stored(to, c) },
		Audited:     func(a leases.Audited) { audited(to, a) },
	}
}

func stored(to Sink, c leases.Called) {
	to.Observe(StoreCalls, c.Duration.Seconds(), c.Op, c.For)
	if errors.Is(c.Err, leases.ErrConflict) {
		to.Add(Conflicts, 1, c.For)
	}
}

func audited(to Sink, a leases.Audited) {
	result := "whole"
	switch {
	case a.Partial > 0:
		result = "partial"
	case a.Err != nil:
		result = "failed"
	}
	to.Add(Audits, 1, result)
}
