package consumer

import (
	"context"
	"fmt"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/leases"
)

// listings returns what the service says about the shards of every stream, for the audit of their leases. The moment that LATEST means is
// left out: the leases themselves say when the application began.
func (c *Consumer) listings(ctx context.Context) ([]leases.Listing, error) {
	streams := c.allStreams()
	all := make([]leases.Listing, 0, len(streams))
	for _, s := range streams {
		listing, err := c.list(ctx, s, nil)
		if err != nil {
			return nil, fmt.Errorf("consumer: list the shards of stream %s: %w", s.id.Name(), err)
		}
		all = append(all, leases.Listing{Stream: s.key, Shards: listing.Shards, Start: s.start.lease()})
	}
	return all, nil
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
