package oracle

import (
	"slices"
	"strings"
	"time"
)

// The attributes of a lease row, as the Kinesis Client Library names them.
const (
	entityType      = "entityType"
	leaseOwner      = "leaseOwner"
	checkpointOwner = "checkpointOwner"
	leaseCounter    = "leaseCounter"
)

// A Holding is a time in which one worker held one lease.
type Holding struct {
	Lease   string // the row's key
	Worker  string
	From    time.Time
	Until   time.Time // when the row passed to another or to nobody; zero if it has not
	Renewed time.Time // the last write that moved the counter in this time; zero: it was given the lease by another, and has not written yet
	Given   bool      // it was the holder itself that gave the lease away
}

// over reports whether the holding has ended by the time t.
func (h *Holding) over(t time.Time) bool { return !h.Until.IsZero() && !h.Until.After(t) }

// Holdings tells who held which lease of a table when, lease by lease, each in the order of time.
func (h *History) Holdings(table string) []Holding {
	byLease := make(map[string][]Holding)
	var leases []string
	for i := range h.RowWrites {
		w := &h.RowWrites[i]
		if w.Table != table || !isLease(w) {
			continue
		}
		if _, known := byLease[w.Key]; !known {
			leases = append(leases, w.Key)
		}
		byLease[w.Key] = extended(byLease[w.Key], w)
	}
	slices.Sort(leases)
	var all []Holding
	for _, lease := range leases {
		all = append(all, byLease[lease]...)
	}
	return all
}

// extended carries a lease's holdings on by one write.
func extended(all []Holding, w *RowWrite) []Holding {
	before, after := holder(w.Before), holder(w.After)
	if before != "" && len(all) > 0 && all[len(all)-1].Worker == before {
		now := &all[len(all)-1]
		switch {
		case before != after:
			now.Until, now.Given = w.At, gives(w, before)
		case w.Before[leaseCounter] != w.After[leaseCounter]:
			now.Renewed = w.At
		}
	}
	if after != "" && after != before {
		h := Holding{Lease: w.Key, Worker: after, From: w.At}
		if w.Caller == "" || w.Caller == after {
			h.Renewed = w.At
		}
		all = append(all, h)
	}
	return all
}

// gives reports whether a write that ends a holding is its holder's own. Where the writer has no name, one that completes a handoff
// that was asked for passes as such.
func gives(w *RowWrite, holder string) bool {
	if w.Caller != "" {
		return w.Caller == holder
	}
	return w.After == nil || w.After[leaseOwner] == "" || w.Before[checkpointOwner] != "" && w.Before[leaseOwner] == w.After[leaseOwner]
}

// holder is whoever may move the checkpoint: the one that a handoff is still waiting for, or else the owner.
func holder(r Row) string {
	if r[checkpointOwner] != "" {
		return r[checkpointOwner]
	}
	return r[leaseOwner]
}

// isLease reports whether a row is a lease. Old rows do not say what they are.
func isLease(w *RowWrite) bool {
	row := w.After
	if row == nil {
		row = w.Before
	}
	return row[entityType] == "" || row[entityType] == "LEASE"
}

// leases judges who held what, and the checkpoints.
func (j *trial) leases() {
	holdings := j.history.Holdings(j.consumer.Table)
	j.heldTwice(holdings)
	j.handledAfterLoss(holdings)
	j.checkpoints()
}

// heldTwice looks for leases that changed hands while the holder before could still trust them. A lease that was nobody's in between
// makes no difference to that. Who is named by another trusts nothing before a write of its own.
func (j *trial) heldTwice(holdings []Holding) {
	if j.consumer.FailoverTime <= 0 {
		return
	}
	for i := 1; i < len(holdings); i++ {
		old, now := &holdings[i-1], &holdings[i]
		if old.Lease != now.Lease || old.Worker == now.Worker || old.Given {
			continue
		}
		if now.From.Before(old.Renewed.Add(j.consumer.FailoverTime)) {
			j.accuse(Verdict{Kind: HeldTwice, Lease: now.Lease, Worker: now.Worker, Other: old.Worker, At: now.From})
		}
	}
}

// handledAfterLoss looks for positions that a worker handled while another held the lease.
func (j *trial) handledAfterLoss(holdings []Holding) {
	byShard := make(map[shardRef][]*Holding)
	for i := range holdings {
		in := j.shardOf(holdings[i].Lease)
		byShard[in] = append(byShard[in], &holdings[i])
	}
	for _, h := range j.handled {
		if h.Worker == "" || h.At.IsZero() {
			continue
		}
		if other := otherHolder(byShard[refOf(h.Place)], h); other != "" {
			j.accuse(Verdict{Kind: HandledAfterLoss, Place: h.Place, SubSequence: h.SubSequence, Worker: h.Worker, Other: other, At: h.At})
		}
	}
}

// otherHolder returns who held the lease when h was handled, if that was not the worker that did. At the very moment of a change
// either may.
func otherHolder(holdings []*Holding, h *Handled) string {
	other := ""
	for _, held := range holdings {
		switch {
		case held.From.After(h.At):
		case held.Worker == h.Worker && (held.Until.IsZero() || !held.Until.Before(h.At)):
			return ""
		case held.From.Before(h.At) && !held.over(h.At):
			other = held.Worker
		}
	}
	return other
}

// shardOf returns the shard of a lease: its key is the shard's ID, or, in a table for several streams, account, stream, creation
// time and shard ID with colons between them.
func (j *trial) shardOf(lease string) shardRef {
	if parts := strings.Split(lease, ":"); len(parts) == 4 {
		return shardRef{parts[1], parts[3]}
	}
	return shardRef{j.soleStream(), lease}
}

// soleStream is the stream of a consumer that reads one.
func (j *trial) soleStream() string {
	if len(j.consumer.Streams) > 0 {
		return j.consumer.Streams[0]
	}
	if len(j.positions) > 0 {
		return j.positions[0].Stream
	}
	return ""
}
