package consumer

import (
	"context"
	"errors"
	"testing"
)

func TestAckCountsOnlyUpwardsAndOnlyInTime(t *testing.T) {
	b := NewBatch(Shard{ID: "s"}, make([]Record, 3))
	for _, step := range []struct{ ack, want int }{{-1, 0}, {1, 1}, {0, 1}, {2, 2}, {99, 3}} {
		if b.Ack(step.ack); b.Acked() != step.want {
			t.Errorf("after Ack(%d): %d, want %d", step.ack, b.Acked(), step.want)
		}
	}
	b = NewBatch(Shard{ID: "s"}, make([]Record, 3))
	b.Ack(1)
	if done, _ := b.seal(); done != 1 {
		t.Errorf("seal: %d", done)
	}
	if b.Ack(3); b.Acked() != 1 {
		t.Error("Ack had an effect after the handler returned")
	}
}

func TestNewBatchServesTestsOfHandlers(t *testing.T) {
	var written int
	failure := errors.New("no")
	b := NewBatch(Shard{ID: "s"}, make([]Record, 3), WithMillisBehindLatest(7), WithAttempt(2), WithCheckpoint(func(_ context.Context, acked int) error {
		written = acked
		return failure
	}))
	b.Ack(2)
	if err := b.Checkpoint(t.Context()); !errors.Is(err, failure) || written != 2 {
		t.Errorf("Checkpoint: %v with %d", err, written)
	}
	if b.MillisBehindLatest != 7 || b.Attempt != 2 {
		t.Errorf("%+v", b)
	}
	if err := NewBatch(Shard{}, nil).Checkpoint(t.Context()); err != nil {
		t.Errorf("Checkpoint without an option: %v", err)
	}
}
