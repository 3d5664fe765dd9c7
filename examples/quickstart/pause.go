package main

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// untilReadsOpen waits until m reads a shard that somebody else will have to read on: one that has not ended.
func (f *fleet) untilReadsOpen(ctx context.Context, m *member) error {
	open, err := f.place.openShards(ctx)
	if err != nil {
		return err
	}
	return poll(ctx, m.name+" to read an open shard", func() (bool, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.ContainsFunc(open, func(s types.Shard) bool {
			p := f.pauses[aws.ToString(s.ShardId)]
			return p != nil && p.reader == m.name
		}), nil
	})
}

// beginPauses starts the clock of every shard that m was the last to read.
func (f *fleet) beginPauses(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.pauses {
		if p.reader == m.name {
			p.from = time.Now()
		}
	}
}

// endPause notes who reads a shard now, and stops its clock where it runs and the reader is another than the one that was stopped.
func (f *fleet) endPause(m *member, shard string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pauses[shard]
	switch {
	case p == nil:
		f.pauses[shard] = &pause{reader: m.name}
	case p.from.IsZero():
		p.reader = m.name
	case p.length == 0 && p.reader != m.name:
		p.length = time.Since(p.from)
	}
}

// longestPause returns the longest time from the stop of a consumer until another one read a shard of it, and for how many
// shards that was. A shard that ended before is never read again and has no pause.
func (f *fleet) longestPause() (longest time.Duration, shards int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.pauses {
		if p.length > 0 {
			longest = max(longest, p.length)
			shards++
		}
	}
	return longest, shards
}
