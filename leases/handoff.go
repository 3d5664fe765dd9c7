package leases

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// heedHandoff begins to drain when the row says that another worker wants the lease, and forgets about it when the row no longer
// does; true: it has just been learned. The caller holds mu.
func (h *Held) heedHandoff() bool {
	_, asked := h.row.handoffFrom(h.c.cfg.Worker)
	if !asked {
		h.askedAt = time.Time{}
		return false
	}
	if !h.askedAt.IsZero() {
		return false
	}
	h.askedAt = time.Now()
	h.enter(draining)
	notify(h.changed)
	return true
}

func (h *Held) reportAsked(row Lease) {
	h.c.log.Info("handoff asked", zap.String("lease", h.key), zap.String("by", row.Owner))
	h.c.hooks.HandoffAsked(row)
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
	err := h.write(ctx, operation{
		spell: func(row Lease) (Write, error) {
			if _, asked := row.handoffFrom(h.c.cfg.Worker); !asked {
				return Write{}, errNothing
			}
			return refuse(row), nil
		},
		landed: h.mine,
	})
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
