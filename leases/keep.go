package leases

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// keep is the keeper of one holding: a goroutine that renews the lease, watches over a handoff, and gives the lease up when Work
// has returned. It ends when the lease is given up and Work has returned, or when Run gives up waiting for that.
func (h *Held) keep(ctx context.Context) {
	wake := time.NewTimer(0)
	defer wake.Stop()
	for {
		wake.Reset(time.Until(h.due()))
		select {
		case <-h.returned:
			h.giveUp(ctx)
			h.c.forget(h)
			return
		case <-h.c.abandoned:
			h.advance(lost)
			return
		case <-h.changed:
			h.meetAsker(ctx)
		case <-h.look:
			h.renew(ctx)
			h.meetAsker(ctx)
		case <-wake.C:
			h.attend(ctx)
		}
	}
}

// idleWait is how long a keeper sleeps that has nothing to do but to wait for Work; any change wakes it.
const idleWait = 24 * time.Hour

// due returns when the keeper has something to do next.
func (h *Held) due() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.over() {
		return time.Now().Add(idleWait)
	}
	if end := h.patience(); !end.IsZero() && end.Before(h.renewAt) {
		return end
	}
	return h.renewAt
}

// attend does what is due. A renewal goes first: a lease must not lapse over the handling of a handoff, and the row that it brings
// may say that the handoff is off.
func (h *Held) attend(ctx context.Context) {
	if h.isDue(func() time.Time { return h.renewAt }) {
		h.renew(ctx)
	}
	h.meetAsker(ctx)
	if h.isDue(h.patience) {
		h.losePatience(ctx)
	}
}

// isDue reports whether the holding goes on and a time has come; zero never comes. when runs under mu.
func (h *Held) isDue(when func() time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := when()
	return !h.state.over() && !at.IsZero() && !time.Now().Before(at)
}

// giveUp parts with the lease after Work has returned. What that takes is decided from the row as it is known at each attempt, since
// an asker may come or withdraw in between.
func (h *Held) giveUp(ctx context.Context) {
	defer h.cancel(ErrStopped) // Work is gone and nobody listens; this frees the context
	parting := parting{dead: h.deadAsker(ctx)}
	err := h.persist(ctx, operation{
		spell:  func(row Lease) (Write, error) { return parting.spell(h, row) },
		landed: func(row Lease) bool { return row.Owner == parting.to && row.CheckpointOwner == "" },
	})
	switch {
	case err != nil:
		h.c.log.Warn("lease not released", zap.String("lease", h.key), zap.Error(err))
	case parting.refused && !parting.spelled:
		h.c.log.Info("handoff refused: the worker that asked is gone", zap.String("lease", h.key), zap.String("asker", parting.dead))
		h.c.hooks.HandoffRefused(h.Lease())
	case parting.spelled:
		if parting.heir != nil {
			h.c.noteBequest(parting.from, parting.to)
		}
		h.c.log.Info("lease released", zap.String("lease", h.key), zap.String("to", parting.to))
		h.c.hooks.Released(h.Lease(), parting.to)
	}
}

// deadAsker returns the worker that wants the lease if it is not there to take it.
func (h *Held) deadAsker(ctx context.Context) string {
	asker, asked := h.Lease().handoffFrom(h.c.cfg.Worker)
	if !asked || h.progress().over() || h.c.askerLives(ctx, asker) {
		return ""
	}
	return asker
}

// parting is how a lease is given up.
type parting struct {
	dead    string // a worker to whom nothing is handed over
	refused bool
	spelled bool
	to      string // empty: to nobody in particular
	heir    func() string
	from    Lease // the row, as it was before heir got it
}

// spell chooses the write that parts with row.
func (p *parting) spell(h *Held, row Lease) (Write, error) {
	asker, asked := row.handoffFrom(h.c.cfg.Worker)
	switch state := h.progress(); {
	case asked && asker != p.dead:
		p.spelled, p.to = true, asker
		return complete(row), nil
	case asked && !h.c.leaving():
		p.refused, p.to = true, h.c.cfg.Worker
		return refuse(row), nil // the row names this worker, so the lease is found and adopted anew
	case h.c.leaving():
		return p.bequeath(h, row), nil
	case state > working:
		// The asker withdrew, or was refused. The row names this worker still, so the lease is found and adopted anew.
		return Write{}, errNothing
	}
	// Work returned by itself: it cannot read the shard here and now. Others may, and this worker after a rest.
	h.c.rest(h.key)
	p.spelled, p.to = true, ""
	return evict(row), nil
}

// bequeath gives the lease to the next owner; that is chosen once, so that an attempt whose reply was lost is recognised.
func (p *parting) bequeath(h *Held, row Lease) Write {
	if p.heir == nil {
		p.heir = sync.OnceValue(func() string { return h.c.heirs.next("") })
	}
	p.spelled, p.to, p.from = true, p.heir(), row
	return bequest(row, p.to)
}

// progress returns the holding's state.
func (h *Held) progress() state {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}
