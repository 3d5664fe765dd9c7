package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// listings returns what the service says about the shards of every stream, for the audit of their leases, and an error for those streams
// that it does not say it about: one that has been deleted must not keep the others from being looked at. The moment that LATEST means is
// left out: the leases themselves say when the application began.
func (c *Consumer) listings(ctx context.Context) ([]leases.Listing, error) {
	streams := c.allStreams()
	all := make([]leases.Listing, 0, len(streams))
	var failures []error
	for _, s := range streams {
		listing, err := c.list(ctx, s, nil)
		if err == nil && c.cfg.MultiStream {
			err = c.verify(ctx, s) // after the listing, which is by name: it must not be set against the leases of an older one
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("consumer: list the shards of stream %s: %w", s.id.Name(), err))
			continue
		}
		all = append(all, leases.Listing{Stream: s.key, Shards: listing.Shards, Start: s.start.lease()})
	}
	return all, errors.Join(failures...)
}

// lease returns the start as leases spell it.
func (s Start) lease() leases.Start {
	switch s.kind {
	case fromLatest:
		return leases.Start{Position: checkpoint.Latest}
	case fromTime:
		return leases.Start{Position: checkpoint.AtTimestamp, At: s.at}
	case fromTrimHorizon:
	}
	return leases.Start{Position: checkpoint.TrimHorizon}
}
