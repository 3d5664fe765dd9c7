package leases

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// heedHandoff wakes the keeper when the row says that another worker wants the lease, and forgets about it when the row no longer does.
// The caller holds mu.
func (h *Held) heedHandoff() {
	asker, asked := h.row.handoffFrom(h.c.cfg.Worker)
	if !asked {
		h.asker, h.askedAt = "", time.Time{}
		return
	}
	if asker == h.asker {
		return
	}
	h.asker, h.askedAt, h.meet = asker, time.Time{}, true
	notify(h.changed)
}

// meetAsker begins to drain if the worker that wants the lease is there to take it, and refuses otherwise: Work would stop for nobody.
func (h *Held) meetAsker(ctx context.Context) {
	h.mu.Lock()
	asker, meet := h.asker, h.meet && !h.state.over()
	h.meet = false
	h.mu.Unlock()
	if !meet || asker == "" {
		return
	}
	if !h.c.askerLives(ctx, asker) {
		h.refuseDead(ctx, asker)
		return
	}
	h.mu.Lock()
	row, asked := h.row, h.asker == asker && !h.state.over()
	if asked {
		h.askedAt = time.Now()
		h.enter(draining)
		notify(h.changed)
	}
	h.mu.Unlock()
	if asked {
		h.c.log.Info("handoff asked", zap.String("lease", h.key), zap.String("by", asker))
		h.c.hooks.HandoffAsked(row)
	}
}

// refuseDead refuses a handoff to a worker that is gone or stops.
func (h *Held) refuseDead(ctx context.Context, asker string) {
	switch err := h.tryRefusal(ctx); {
	case errors.Is(err, errNothing): // it was withdrawn
	case err != nil:
		h.mu.Lock()
		h.meet = true // as soon as the keeper wakes again
		h.mu.Unlock()
	default:
		h.c.log.Info("handoff refused: the worker that asked is gone", zap.String("lease", h.key), zap.String("asker", asker))
		h.c.hooks.HandoffRefused(h.Lease())
	}
}

// tryRefusal makes the row this worker's alone again, and does not offer it to anybody for a while; errNothing: it is already.
func (h *Held) tryRefusal(ctx context.Context) error {
	h.c.keepBack(h.key)
	return h.write(ctx, operation{
		spell: func(row Lease) (Write, error) {
			if _, asked := row.handoffFrom(h.c.cfg.Worker); !asked {
				return Write{}, errNothing
			}
			return refuse(row), nil
		},
		landed: h.mine,
	})
}

// patience returns when the next step against a Work that does not finish is due; zero: none is.
//
//	asked --HandoffTimeout--> cancelled --grace--> refused, and refused at once from then on
//
// The caller holds mu.
func (h *Held) patience() time.Time {
	switch {
	case h.askedAt.IsZero():
		return time.Time{}
	case h.stuck:
		return h.askedAt
	case h.state == stopped:
		return later(h.stoppedAt, h.askedAt).Add(h.c.pace.grace)
	}
	return h.askedAt.Add(h.c.cfg.HandoffTimeout)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// losePatience takes the step that is due.
func (h *Held) losePatience(ctx context.Context) {
	if h.advance(stopped) {
		h.c.log.Warn("handler cancelled: it did not finish within the handoff timeout", zap.String("lease", h.key))
		return
	}
	h.refuse(ctx)
}

// refuse keeps a lease whose handler does not return: to hand it over would let two handlers run at once. It is tried once; the
// keeper comes back as long as the handoff stands.
func (h *Held) refuse(ctx context.Context) {
	h.mu.Lock()
	first := !h.stuck
	h.stuck = true
	h.mu.Unlock()
	err := h.tryRefusal(ctx)
	if errors.Is(err, errNothing) {
		return // the asker has withdrawn
	}
	if err != nil {
		h.postpone()
		return
	}
	h.c.log.Error("handoff refused: the handler does not return although it was cancelled", zap.String("lease", h.key),
		zap.Bool("first time", first))
	h.c.hooks.HandoffRefused(h.Lease())
}

// postpone lets the keeper wait a little before it tries to refuse again.
func (h *Held) postpone() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.askedAt.IsZero() {
		h.askedAt = time.Now().Add(h.again.Next())
	}
}
