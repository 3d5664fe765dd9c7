package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// ending makes the shard's last page of one behind which the service gave no place to go on. named is what the reply says about the
// children. The page itself is returned as it is, to be asked for its end again, where it has records but no word of children.
func (r *reader) ending(ctx context.Context, last page, named []types.ChildShard) (page, error) {
	// The service lists the records even where there are none. A reply that says nothing at all must not end the shard: what it
	// should have said may be records.
	if last.records == nil && len(named) == 0 {
		return page{}, fmt.Errorf("%w: no records, no children and no place to go on", ErrReply)
	}
	children, err := fromChildren(named)
	if err == nil && len(children) > 0 {
		last.end, last.children = true, children
		return last, nil
	}
	if len(last.records) > 0 {
		return last, nil
	}
	// Not every server names the children. Without them the end must not be written: nobody would read them.
	listing, err := r.c.list(ctx, r.stream, nil)
	if err != nil {
		return page{}, err
	}
	self, listed := find(listing.Shards, r.shard.ID)
	if !listed {
		return r.expired(ctx, listing.Shards, nil)
	}
	if !self.Closed {
		return page{}, fmt.Errorf("%w: an open shard ended", ErrReply)
	}
	children = shards.Children(listing.Shards, r.shard.ID)
	if !covers(children, self) {
		return page{}, ErrNoChildren
	}
	last.end, last.children = true, children
	return last, nil
}

func fromChildren(named []types.ChildShard) ([]shards.Shard, error) {
	children := make([]shards.Shard, len(named))
	for i := range named {
		child, err := shards.FromChild(named[i])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrReply, err)
		}
		children[i] = child
	}
	return children, nil
}

// vanished decides what it means that the service does not find the shard. If the shard has left the stream, with all its records, the
// end has come, and what follows it is read; records that were not read before are reported as trimmed. Anything else (the stream was
// deleted, the consumer deregistered, the listing does not know the shard yet) is the failure that it looks like, and is tried again.
func (r *reader) vanished(ctx context.Context, cause error) (page, error) {
	r.stream.doubt()
	listing, err := r.c.list(ctx, r.stream, nil)
	if err != nil {
		return page{}, cause
	}
	_, listed := find(listing.Shards, r.shard.ID)
	// Parents leave the stream before their children do: while one is listed, the listing is older than the shard.
	young := slices.ContainsFunc(r.shard.Parents, func(id string) bool { _, ok := find(listing.Shards, id); return ok })
	if listed || young || !shards.Tile(shards.Open(listing.Shards)) {
		return page{}, cause
	}
	return r.expired(ctx, listing.Shards, cause)
}

// expired makes the last page of a shard that has left the stream.
func (r *reader) expired(ctx context.Context, listed []shards.Shard, cause error) (page, error) {
	heirs := shards.Children(listed, r.shard.ID)
	if len(heirs) == 0 {
		// The children are gone too, or never were: whatever is oldest now and in nobody's hands comes next.
		snapshot, err := r.c.store.Scan(ctx)
		if err != nil {
			return page{}, fmt.Errorf("consumer: read the leases: %w", err)
		}
		for _, row := range leases.Missing(listed, snapshot, r.stream.key, leases.Start{Position: checkpoint.TrimHorizon}) {
			if heir, ok := find(listed, row.ShardID); ok {
				heirs = append(heirs, heir)
			}
		}
	}
	err := &TrimmedError{Shard: r.shard, Position: r.held.Lease().Checkpoint, Cause: cause}
	r.c.cfg.Hooks.trimmed(err)
	r.log.Error("the shard left the stream before it was read to its end; going on with those after it", zap.Error(err))
	return page{end: true, children: heirs}, nil
}

func find(all []shards.Shard, id string) (shards.Shard, bool) {
	i := slices.IndexFunc(all, func(s shards.Shard) bool { return s.ID == id })
	if i < 0 {
		return shards.Shard{}, false
	}
	return all[i], true
}

// covers reports whether the children take over all of the parent's range: a listing may show one of two.
func covers(children []shards.Shard, parent shards.Shard) bool {
	ordered := slices.SortedFunc(slices.Values(children), func(a, b shards.Shard) int { return a.Range.Start.Compare(b.Range.Start) })
	next := parent.Range.Start
	for _, child := range ordered {
		if child.Range.Start.Compare(next) > 0 {
			return false
		}
		if child.Range.End.Compare(parent.Range.End) >= 0 {
			return true
		}
		next, _ = child.Range.End.Next() // not the last point: that would have been the parent's end
	}
	return false
}

// refused moves a bookmark away from a place that the service calls invalid, and returns the error. Another code than the service's own is
// somebody's in between, who knows no places.
func (r *reader) refused(mark *bookmark, err error) error {
	if code := retry.Code(err); code != "InvalidArgumentException" && code != "ValidationException" {
		return err
	}
	at := mark.open
	switch lost := mark.refuse(); {
	case lost:
		r.stream.doubt()
		r.trimmed(at.sequence, err)
		r.disown(at, err)
	case at.latest && !mark.open.latest:
		r.log.Error("the time of LATEST is in the future by the service's clock; reading all that the shard has", zap.Time("latest", at.at))
	}
	return err
}

// disown deletes a lease whose own place the service calls invalid, so that it is of a stream that was deleted, if the shard of that name has
// ancestors in the stream that is there now: the lease does not tell whether they have been read. In doubt they are read again: those of which
// it was not this worker that has read them, in the stream that is there now.
func (r *reader) disown(at cursor, cause error) {
	if retry.Code(cause) != "InvalidArgumentException" {
		return // the place has no form that the service takes, in whichever stream
	}
	if !sameNumber(at.sequence, r.held.Lease().Checkpoint.SequenceNumber()) {
		return // it is the handler's, or a later one than the lease's
	}
	listing, err := r.listing(r.reading)
	if err != nil {
		return
	}
	var read []string
	if same, err := r.c.isAsFound(r.reading, r.stream); same && err == nil {
		read = r.stream.finished()
	}
	var line []leases.Lease
	for _, id := range ancestors(listing.Shards, r.shard.ID, read...) {
		if s, listed := find(listing.Shards, id); listed {
			line = append(line, leases.ForShard(r.stream.key, s, checkpoint.TrimHorizon))
		}
	}
	if len(line) == 0 {
		return
	}
	if err := r.held.Discard(r.writes, line...); err != nil {
		r.log.Warn("the lease of a stream that was deleted could not be deleted", zap.Error(err))
	}
}

// trimmed reports that the record at which reading was to go on is not there.
func (r *reader) trimmed(sequence string, cause error) {
	position := r.vigil.position
	if position.Sentinel() || !sameNumber(position.SequenceNumber(), sequence) {
		position, _ = checkpoint.At(sequence, 0) // it was read in this life
	}
	err := &TrimmedError{Shard: r.shard, Position: position, Cause: cause}
	r.c.cfg.Hooks.trimmed(err)
	r.log.Error("records left the stream before they were read; going on with the oldest", zap.Error(err))
}

func (r *reader) fetched(p page) {
	r.held.Count(p.bytes)
	r.vital.fetched(time.Duration(p.lag)*time.Millisecond, p.end)
	r.keepVigil(p)
	r.c.cfg.Hooks.fetched(Fetched{Shard: r.shard, Records: len(p.records), Bytes: p.bytes, MillisBehindLatest: p.lag, Duration: p.took})
}

func (r *reader) fetchFailed(err error) {
	err = explained(err)
	r.c.cfg.Hooks.fetchFailed(r.shard, err)
	r.log.Warn("reading the shard failed; trying again", zap.Error(err))
}

const (
	// coParentWait is how long the end of a shard is held up by the other parent of its child. Then the lease is given back for a
	// while: the other parent, or one of its own parents, may need the room in this worker.
	coParentWait = 30 * time.Second
	// coParentPoll is the time between two looks at it.
	coParentPoll = time.Second
)

// awaitCoParents waits until every other parent of the children has a lease. One without counts as done, but it may have none yet
// because its own parents are still being read; a child that was created now would then overtake it.
func (r *reader) awaitCoParents(children []shards.Shard) error {
	wait, cancel := context.WithTimeout(r.reading, coParentWait)
	defer cancel()
	for _, child := range children {
		for _, parent := range child.Parents {
			if parent == r.shard.ID {
				continue
			}
			if err := r.awaitCoParent(wait, child.ID, parent); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reader) awaitCoParent(ctx context.Context, child, parent string) error {
	for {
		coming, err := r.coming(ctx, child, parent)
		if !coming && err == nil {
			return nil
		}
		if err != nil {
			r.log.Warn("looking for the other parent of a child failed; trying again", zap.String("parent", parent), zap.Error(err))
		}
		if retry.Sleep(ctx, coParentPoll) != nil {
			return errGivenUp
		}
	}
}

// coming reports whether the parent has no lease, but will be given one by the end of an ancestor that is being read. It is not asked
// for where the child has a lease already, which waits for what parents there are by itself.
func (r *reader) coming(ctx context.Context, child, parent string) (bool, error) {
	for _, id := range []string{child, parent} {
		if _, exists, err := r.lease(ctx, id); exists || err != nil {
			return false, err
		}
	}
	listing, err := r.c.list(ctx, r.stream, nil)
	if err != nil {
		return false, err
	}
	return r.anyUnfinished(ctx, ancestors(listing.Shards, parent))
}

func (r *reader) anyUnfinished(ctx context.Context, ids []string) (bool, error) {
	for _, id := range ids {
		if row, exists, err := r.lease(ctx, id); err != nil || exists && !row.Ended() {
			return err == nil, err
		}
	}
	return false, nil
}

// lease reads the lease of a shard of the same stream. One that cannot be read counts as one that is being worked on.
func (r *reader) lease(ctx context.Context, shardID string) (row leases.Lease, exists bool, err error) {
	key := leases.ForShard(r.stream.key, shards.Shard{ID: shardID}, checkpoint.TrimHorizon).Key
	row, err = r.c.store.Get(ctx, key)
	switch {
	case err == nil:
		return row, true, nil
	case errors.Is(err, leases.ErrDamaged):
		return leases.Lease{}, true, nil
	case errors.Is(err, leases.ErrNotFound):
		return row, false, nil
	}
	return row, false, fmt.Errorf("consumer: read a lease: %w", err)
}

// ancestors returns the ids of the shards that id descends from, as far as the listing tells, by way of others than those named in but.
func ancestors(listed []shards.Shard, id string, but ...string) []string {
	family := []string{id}
	for i := 0; i < len(family); i++ {
		s, _ := find(listed, family[i])
		for _, parent := range s.Parents {
			if !slices.Contains(family, parent) && !slices.Contains(but, parent) {
				family = append(family, parent)
			}
		}
	}
	return family[1:]
}
