package producer_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// told collects what the hooks are told.
type told struct {
	mu       sync.Mutex // guards the fields below
	requests []producer.RequestDone
	kinesis  []producer.KinesisRecordDone
	users    []producer.UserRecordsDone
}

func (h *told) hooks() producer.Hooks {
	return producer.Hooks{
		RequestDone:       func(r producer.RequestDone) { h.mu.Lock(); defer h.mu.Unlock(); h.requests = append(h.requests, r) },
		KinesisRecordDone: func(r producer.KinesisRecordDone) { h.mu.Lock(); defer h.mu.Unlock(); h.kinesis = append(h.kinesis, r) },
		UserRecordsDone:   func(r producer.UserRecordsDone) { h.mu.Lock(); defer h.mu.Unlock(); h.users = append(h.users, r) },
	}
}

func TestHooksTellOfEveryRequestAttemptAndRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 1, throttle(func(int) bool { return true })))
		var h told
		p := r.producer(func(c *producer.Config) { c.Hooks, c.Linger = h.hooks(), time.Second })
		synctest.Wait() // it knows the shards: what was put before would not linger
		for range 10 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "key", Data: make([]byte, 97)}, nil))
		}
		if s := p.Stats(); s != (producer.Stats{Received: 10, PendingRecords: 10, PendingBytes: 1000}) {
			t.Errorf("before: %+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s != (producer.Stats{Received: 10}) {
			t.Errorf("after: %+v", s)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.requests) != 2 || h.requests[0].Failed != 1 || h.requests[1].Failed != 0 || h.requests[0].UserRecords != 10 {
			t.Errorf("requests: %+v", h.requests)
		}
		if len(h.kinesis) != 2 {
			t.Fatalf("attempts: %+v", h.kinesis)
		}
		first, second := h.kinesis[0], h.kinesis[1]
		if first.Buffering != time.Second || first.Code != "ProvisionedThroughputExceededException" || first.UserRecords != 10 || first.ShardID != "shardId-000000000000" {
			t.Errorf("the first attempt: %+v", first)
		}
		if second.Buffering < 50*time.Millisecond || second.Buffering > 500*time.Millisecond || second.Code != "" || second.Bytes != first.Bytes {
			t.Errorf("the second attempt: %+v", second)
		}
		if want := (producer.UserRecordsDone{ShardID: "shardId-000000000000", UserRecords: 10, Bytes: 1000, Attempts: 2}); len(h.users) != 1 || h.users[0] != want {
			t.Errorf("records: %+v", h.users)
		}
	})
}

func TestHooksTellWhyRecordsWereGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 0, throttle(func(int) bool { return true })))
		var h told
		p := r.producer(func(c *producer.Config) { c.Hooks, c.TTL = h.hooks(), time.Second })
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "a"}, nil))
		time.Sleep(2 * time.Second)
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "b"}, nil))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Close(ctx); !errors.Is(err, producer.ErrClosed) {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.users) != 2 || !errors.Is(h.users[0].Err, producer.ErrExpired) || h.users[0].Attempts == 0 || !errors.Is(h.users[1].Err, producer.ErrClosed) {
			t.Errorf("%+v", h.users)
		}
	})
}
