package leases

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
)

// End finishes a shard that has been read to its end: it creates the children's leases where there are none, at TRIM_HORIZON, and
// then writes SHARD_END together with the children's ids, which gives the lease up. The order is what keeps a child from being
// forgotten: whoever sees SHARD_END finds the children. It is tried until it has succeeded, and may be repeated; the errors are ctx's,
// ErrLost, and ErrDraining or ErrStopped when the lease has to be given up and a child cannot be created: whoever has it next comes to the
// end again. Work should return afterwards.
//
// children are made with ForShard; Key, Stream, ShardID, Parents and the range are used. There are none where the shard is gone
// from the service.
func (h *Held) End(ctx context.Context, children []Lease) error {
	if h.Lease().Ended() {
		return nil
	}
	ids := make([]string, len(children))
	for i, child := range children {
		ids[i] = child.ShardID
		if err := h.beget(ctx, child); err != nil {
			return err
		}
	}
	slices.Sort(ids)
	err := h.persist(ctx, operation{
		spell:  func(row Lease) (Write, error) { return finale(row, ids), nil },
		landed: func(row Lease) bool { return row.Ended() && row.Holder() == "" },
	})
	if err != nil && !h.Lease().Ended() { // a renewal may have found out before this call that it had succeeded
		return err
	}
	h.c.log.Info("shard ended", zap.String("lease", h.key), zap.Int("children", len(children)))
	h.c.hooks.Ended(h.Lease())
	h.c.expect(children)
	h.c.nudge()
	return nil
}

// Discard deletes the lease, which is of a stream that was deleted. The holding is lost by that. It is tried until it has succeeded, ctx has
// ended, or the lease is lost or has to be given up.
//
// ancestors are those that the shard of that name has in the stream that is there now, made with ForShard at where they begin. Their leases at
// SHARD_END are deleted before: the lease does not tell in which of the streams they have ended, and in doubt they are read twice. Then the
// eldest get leases where they have none, and bring forth all others.
func (h *Held) Discard(ctx context.Context, ancestors ...Lease) error {
	return h.insist(ctx, "a lease cannot be deleted", func(ctx context.Context) error {
		if err := h.c.startOver(ctx, ancestors); err != nil {
			return err
		}
		if err := h.turn(ctx); err != nil {
			return err
		}
		defer func() { <-h.writing }()
		row, err := h.current()
		if err != nil {
			return err
		}
		err = h.c.remove(ctx, row, ofDeletedStream)
		if err == nil || errors.Is(err, ErrConflict) { // an attempt before may have landed
			h.lose(ErrNotFound)
			return nil
		}
		return err
	})
}

// ofDeletedStream is why a lease is deleted that its holder finds to be of another stream.
const ofDeletedStream = "it is of a stream that was deleted"

// startOver sees to it that shards are read that have not ended for certain: a line of them, whose eldest bring forth all others.
func (c *Coordinator) startOver(ctx context.Context, line []Lease) error {
	var eldest []Lease
	for _, l := range line {
		switch row, err := c.get(ctx, l.Key); {
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrDamaged):
		case err != nil:
			return err
		case row.Ended():
			if err := c.remove(ctx, row, ofDeletedStream); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(line, func(other Lease) bool { return slices.Contains(l.Parents, other.ShardID) }) {
			eldest = append(eldest, l)
		}
	}
	for _, l := range eldest {
		if _, err := c.create(ctx, l, "repair"); err != nil {
			return err
		}
	}
	return nil
}

// expect notes that children have been created, which this worker is the first to know of.
func (c *Coordinator) expect(children []Lease) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, child := range children {
		c.newborn[child.Key] = true
	}
}

// beget creates one child's lease. The write needs no fence: it says nothing that was not true before, and only where there was
// nothing. A row that cannot be read is there: mended it is the child's lease, and deleted it is a hole, which the audit finds.
func (h *Held) beget(ctx context.Context, child Lease) error {
	return h.insist(ctx, "the end of a shard cannot be written", func(ctx context.Context) error {
		switch _, err := h.c.get(ctx, child.Key); {
		case errors.Is(err, ErrDamaged):
			return nil
		case !errors.Is(err, ErrNotFound):
			return err
		}
		if err := h.completeParents(ctx, child); err != nil {
			return err
		}
		_, err := h.c.create(ctx, newborn(child, checkpoint.TrimHorizon), "child")
		return err
	})
}

// completeParents creates the lease of a merged child's other parent, where that is missing. A child waits for parents that have
// a lease, and one without is taken for done; but as long as the child has none itself, the other parent cannot be done. It is
// missing because the first synchronisation was interrupted, so it starts where this shard started: at its StartAt, or at the
// beginning. In doubt, records are read once more rather than never.
func (h *Held) completeParents(ctx context.Context, child Lease) error {
	own := h.Lease()
	for _, id := range child.Parents {
		parent := Lease{Key: keyOf(child.Stream, id), Stream: child.Stream, ShardID: id}
		if parent.Key == own.Key {
			continue
		}
		start := checkpoint.TrimHorizon
		if !own.StartAt.IsZero() {
			start, parent.StartAt = checkpoint.Latest, own.StartAt
		}
		created, err := h.c.create(ctx, newborn(parent, start), "parent")
		if err != nil {
			return err
		}
		if created {
			h.c.log.Warn("lease of a merged shard's other parent was missing", zap.String("lease", parent.Key))
		}
	}
	return nil
}

// newborn returns the row as it is created.
func newborn(l Lease, at checkpoint.Position) Lease {
	return Lease{
		Key: l.Key, Stream: l.Stream, ShardID: l.ShardID, Checkpoint: at, StartAt: l.StartAt, Parents: l.Parents,
		StartingHashKey: l.StartingHashKey, EndingHashKey: l.EndingHashKey,
	}
}

// insist repeats a step until it succeeds, ctx ends, or the lease is lost or has to be given up: what cannot be done from here must not keep
// the lease from others.
func (h *Held) insist(ctx context.Context, complaint string, step func(context.Context) error) error {
	schedule := h.c.retries.Start(h.c.jitter)
	for told := false; ; told = true {
		if _, err := h.current(); err != nil {
			return err
		}
		err := step(ctx)
		if err == nil {
			return nil
		}
		if !told {
			h.c.log.Warn(complaint, zap.String("lease", h.key), zap.Error(err))
		}
		if end := h.sleep(ctx, schedule.Next()); end != nil {
			return fmt.Errorf("leases: ending %s: %w (%w)", h.key, end, err)
		}
	}
}
