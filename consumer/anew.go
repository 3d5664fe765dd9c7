package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/leases"
)

// lookAtMost is how long a stream in doubt is looked at before the next one has its turn: a consumer needs a while to be registered.
const lookAtMost = time.Minute

// lookPauseMax bounds the pauses between two looks at a stream that cannot be read, such as one that stays deleted; they double.
const lookPauseMax = 2 * time.Minute

// doubt notes that the stream may not be the one that was found, or that its fan-out consumer may be gone: a shard is not found, or does not know
// a place that its lease names.
func (s *stream) doubt() { s.doubted.Store(true) }

// heed looks for leases of streams that were made later than those of the same account and name which were found: another worker knows them
// already. Until it is known what is there, nothing is read under the older leases, which tell nothing of the stream that is there now.
func (c *Consumer) heed(rows []leases.Lease) {
	if !c.cfg.MultiStream {
		return
	}
	for _, s := range c.outdate(rows) {
		s.lookAfter.Store(0)
		s.doubt()
		c.leave(s)
	}
}

// outdate returns the streams that are found to be out of date now.
func (c *Consumer) outdate(rows []leases.Lease) (found []*stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	youngest := make(map[string]int64)
	for i := range rows {
		if key := rows[i].Stream; c.streams[key] == nil {
			name, made := cutKey(key)
			youngest[name] = max(youngest[name], made)
		}
	}
	for key, s := range c.streams {
		name, made := cutKey(key)
		if there := youngest[name]; there > max(made, s.youngest) {
			s.youngest = there
			s.outdated.Store(true)
			found = append(found, s)
		}
	}
	return found
}

// cutKey takes what leasePrefix returns apart: account and name, and when the stream was made.
func cutKey(key string) (name string, made int64) {
	i := strings.LastIndexByte(key, ':')
	made, err := strconv.ParseInt(key[i+1:], 10, 64)
	if err != nil {
		return key, 0
	}
	return key[:i+1], made
}

// leave ends the lives of a stream's shards in this worker, in good order.
func (c *Consumer) leave(s *stream) {
	l := c.roll.Load()
	if l == nil {
		return
	}
	for _, r := range l.all() {
		if r.stream == s {
			r.drain()
		}
	}
}

// settle looks again at the streams that are in doubt. One that stays so is looked at the next time.
func (c *Consumer) settle(ctx context.Context) {
	for _, s := range c.allStreams() {
		began := time.Now()
		if began.UnixNano() < s.lookAfter.Load() || !s.doubted.Swap(false) {
			continue
		}
		looking, cancel := context.WithTimeout(ctx, lookAtMost)
		err := c.findAgain(looking, s)
		cancel()
		if err == nil || ctx.Err() != nil {
			s.lookPause = 0
			continue
		}
		s.lookPause = min(max(2*s.lookPause, tendInterval), lookPauseMax)
		s.lookAfter.Store(began.Add(s.lookPause).UnixNano())
		s.doubt()
		c.cfg.Logger.Error("the stream is not what it was; looking again", zap.String("stream", s.id.Name()), zap.Error(err))
		if failed := (*StreamError)(nil); errors.Is(err, ErrConsumerNotFound) && errors.As(err, &failed) {
			s.orphaned.Store(failed)
		}
	}
}

// findAgain finds a stream as Run does at its beginning. If it is not what it was, every shard's life in this worker that belongs to the old one
// is ended: they begin again under the leases of the new one, with its lineage, and by its consumer.
func (c *Consumer) findAgain(ctx context.Context, old *stream) error {
	if err := c.change(ctx); err != nil {
		return err
	}
	defer c.changed()
	if c.streamOf(old.key) != old {
		return nil // it has been removed meanwhile
	}
	found, err := c.prepareStream(ctx, old.asked)
	if err != nil {
		return err
	}
	old.orphaned.Store(nil)
	if found.made.Equal(old.made) && found.fanOut == old.fanOut && found.consumerARN == old.consumerARN {
		old.outdated.Store(false)
		return nil
	}
	c.cfg.Logger.Warn("the stream was made anew, or its fan-out consumer was; reading it as it is now", zap.String("stream", old.id.Name()),
		zap.Time("made", found.made), zap.Time("before", old.made), zap.String("consumer", found.consumerARN))
	if err := c.sync(ctx, found); err != nil {
		return err
	}
	c.mu.Lock()
	delete(c.streams, old.key)
	c.streams[found.key] = found
	c.mu.Unlock()
	c.leave(old)
	return nil
}

// isAsFound asks the service whether the stream is still the one that was found, and doubts it if not. It also notes how long it keeps its records.
func (c *Consumer) isAsFound(ctx context.Context, s *stream) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &kinesis.DescribeStreamSummaryInput{StreamName: s.id.NameParam(), StreamARN: s.id.ARNParam()}
	out, err := c.cfg.Kinesis.DescribeStreamSummary(ctx, in, once)
	if err != nil {
		return false, fmt.Errorf("consumer: look at stream %s: %w", s.id.Name(), err)
	}
	s.keeps(out.StreamDescriptionSummary.RetentionPeriodHours)
	if !madeAt(out.StreamDescriptionSummary).Equal(s.made) {
		s.doubt()
		return false, nil
	}
	return true, nil
}

// errMadeAnew is why a stream's leases are not audited.
var errMadeAnew = errors.New("consumer: the stream was deleted, and another one made of its name")

// verify returns an error unless the stream is the one that was found.
func (c *Consumer) verify(ctx context.Context, s *stream) error {
	same, err := c.isAsFound(ctx, s)
	if err == nil && !same {
		return errMadeAnew
	}
	return err
}

// finish notes that this worker has read a shard to its end.
func (s *stream) finish(shardID string) { s.ended.Store(shardID, nil) }

// finished returns the shards that this worker has read to their ends.
func (s *stream) finished() (ids []string) {
	s.ended.Range(func(id, _ any) bool {
		ids = append(ids, id.(string))
		return true
	})
	return ids
}

// madeAt returns when the service made a stream, in seconds, as leases of several streams name it; zero: it does not tell.
func madeAt(facts *types.StreamDescriptionSummary) time.Time {
	return aws.ToTime(facts.StreamCreationTimestamp).Truncate(time.Second)
}
