package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
)

// ErrUnknownStream is returned for a stream that the consumer does not read.
var ErrUnknownStream = errors.New("consumer: the stream is not one of the consumer's")

// errTwice is why a stream is not added.
func errTwice(s *stream) error {
	return &ConfigError{Field: "Streams", Reason: "names stream " + s.id.Name() + " twice; name it once"}
}

// AddStream adds a stream to those that the consumer reads, while Run runs or before. While it runs, AddStream finds the stream and
// creates what leases are missing, as Run does at its beginning, and fails as that does; this worker takes part in reading the stream
// soon after. All workers of the application have to add it: one that does not leaves its shards to the others.
//
// It takes [Config.MultiStream], or a configuration with several streams, since the leases of a single stream have other keys.
func (c *Consumer) AddStream(ctx context.Context, s Stream) error {
	if err := c.validateAdded(s); err != nil {
		return err
	}
	if err := c.change(ctx); err != nil {
		return err
	}
	defer c.changed()
	if c.roll.Load() == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.configured = append(c.configured, s)
		return nil
	}
	found, err := c.prepareStream(ctx, s.withDefaults(c.cfg.Application))
	if err != nil {
		return err
	}
	if c.streamOf(found.key) != nil {
		return errTwice(found)
	}
	if err := c.sync(ctx, found); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.configured = append(c.configured, s)
	c.streams[found.key] = found
	return nil
}

// change takes the right to change the set of streams, and changed gives it back.
func (c *Consumer) change(ctx context.Context) error {
	select {
	case c.changing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("consumer: change the streams: %w", ctx.Err())
	}
}

func (c *Consumer) changed() { <-c.changing }

func (c *Consumer) validateAdded(s Stream) error {
	var v faults
	v.check(c.cfg.MultiStream, "MultiStream", "is false, so that leases are keyed for a single stream; set it, in all workers of the application")
	c.mu.Lock()
	v.checkStreams(append(slices.Clone(c.configured), s))
	c.mu.Unlock()
	return errors.Join(v...)
}

// removePoll is the time between two looks at whether a stream's shards are given up.
const removePoll = 50 * time.Millisecond

// RemoveStream ends the reading of a stream by this worker, named as in the configuration, or by a name or an ARN that only one of its
// streams can have. It returns when this worker's handlers of the stream have returned, what they have done is written down, and the
// leases are given up; or with ctx's error, and then goes on by itself. The leases stay: other workers go on reading the stream, and one that
// adds it again goes on where it was. A handler's context does not end by that.
func (c *Consumer) RemoveStream(ctx context.Context, nameOrARN string) error {
	id, err := shards.ParseStream(nameOrARN)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnknownStream, err)
	}
	if err := c.change(ctx); err != nil {
		return err
	}
	gone, err := c.forgetStream(id)
	c.changed()
	if err != nil {
		return err
	}
	l := c.roll.Load()
	for l != nil && gone != nil {
		left := slices.DeleteFunc(l.all(), func(r *reader) bool {
			// Also of a stream of the name that was deleted, but not of one that was added meanwhile.
			return r.stream.id != gone.id || c.streamOf(r.stream.key) == r.stream
		})
		if len(left) == 0 {
			break
		}
		for _, r := range left {
			r.drain()
		}
		if err := retry.Sleep(ctx, removePoll); err != nil {
			return fmt.Errorf("consumer: remove stream %s: %w", id.Name(), err)
		}
	}
	return nil
}

// forgetStream takes a stream out of the set, and returns what Run has found of it; nil: nothing yet.
func (c *Consumer) forgetStream(id shards.Stream) (*stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, err := c.configuredAs(id)
	if err != nil {
		return nil, err
	}
	known, err := c.configured[i].identify()
	if err != nil {
		return nil, err
	}
	c.configured = slices.Delete(c.configured, i, i+1)
	gone := c.foundAs(known)
	if gone != nil {
		delete(c.streams, gone.key)
	}
	return gone, nil
}

// configuredAs returns the index of the stream that is configured by that name or ARN, or else of the only one that it can mean. It is
// called with c.mu held.
func (c *Consumer) configuredAs(id shards.Stream) (int, error) {
	var like []int
	for i, s := range c.configured {
		other, err := s.identify()
		if err != nil {
			continue
		}
		if other == id {
			return i, nil
		}
		arn := other.ARN()
		if found := c.foundAs(other); found != nil {
			arn = found.arn
		}
		if other.Name() == id.Name() && (arn == "" || id.ARN() == "" || arn == id.ARN()) {
			like = append(like, i)
		}
	}
	switch len(like) {
	case 0:
		return 0, fmt.Errorf("%w: %s", ErrUnknownStream, id.Name())
	case 1:
		return like[0], nil
	}
	return 0, fmt.Errorf("%w: %s is the name of several; give the ARN", ErrUnknownStream, id.Name())
}

// foundAs returns what Run has found of the stream that requests name so; nil: nothing yet. It is called with c.mu held.
func (c *Consumer) foundAs(id shards.Stream) *stream {
	for _, s := range c.streams {
		if s.id == id {
			return s
		}
	}
	return nil
}

// streamOf returns the stream of leases with that prefix; nil: the consumer does not read it.
func (c *Consumer) streamOf(key string) *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[key]
}

// streamID returns what the leases of a stream begin with where there are several; see observed.
func (c *Consumer) streamID(nameOrARN string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, s := range c.streams {
		if s.id.Name() == nameOrARN || s.arn != "" && strings.HasPrefix(nameOrARN+"/", s.arn+"/") {
			return key
		}
	}
	return ""
}

// allStreams returns the streams that were found.
func (c *Consumer) allStreams() []*stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*stream, 0, len(c.streams))
	for _, s := range c.streams {
		all = append(all, s)
	}
	return all
}

// prepare finds the streams and the table, and creates what leases are missing.
func (c *Consumer) prepare(ctx context.Context) error {
	c.mu.Lock()
	configured := slices.Clone(c.configured)
	c.mu.Unlock()
	streams := make(map[string]*stream, len(configured))
	for _, s := range configured {
		found, err := c.prepareStream(ctx, s.withDefaults(c.cfg.Application))
		if err != nil {
			return err
		}
		if streams[found.key] != nil {
			return errTwice(found)
		}
		streams[found.key] = found
	}
	if err := c.store.Prepare(ctx); err != nil {
		return fmt.Errorf("consumer: prepare the lease table: %w", err)
	}
	for _, s := range streams {
		if err := c.sync(ctx, s); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams = streams
	return nil
}
