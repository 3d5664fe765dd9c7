package producer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/producer"
)

func TestCallsThatWouldWaitForTheirOwnCallbackAreErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedRecords = 1 })
		other := r.producer(nil)
		errs := make(chan map[string]error, 1)
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, func(producer.Result) {
			_, sync := p.PutSync(context.Background(), producer.Record{PartitionKey: "k"})
			errs <- map[string]error{
				"Flush": p.Flush(context.Background()), "Close": p.Close(context.Background()), "PutSync": sync,
				"Put that must wait": p.Put(context.Background(), producer.Record{PartitionKey: "k"}, nil),
			}
			if err := other.Flush(context.Background()); err != nil {
				t.Errorf("Flush of another producer: %v", err)
			}
		}))
		for name, err := range <-errs {
			if !errors.Is(err, producer.ErrInCallback) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.must(p.Flush(t.Context()))
	})
}

func TestBytesAreGivenBackBeforeDoneAndThePlaceAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		record := producer.Record{PartitionKey: "k", Data: make([]byte, 1000)}
		for name, c := range map[string]struct {
			change func(*producer.Config)
			want   error
		}{
			"bytes": {func(c *producer.Config) { c.MaxBufferedBytes = 1024 }, nil},
			"place": {func(c *producer.Config) { c.MaxBufferedRecords = 1 }, producer.ErrBufferFull},
		} {
			p := r.producer(c.change)
			again := make(chan error, 1)
			r.must(p.Put(t.Context(), record, func(producer.Result) { again <- p.TryPut(record, nil) }))
			if err := <-again; !errors.Is(err, c.want) {
				t.Errorf("%s: TryPut inside done: %v, want %v", name, err, c.want)
			}
			r.must(p.Flush(t.Context()))
		}
	})
}

func TestAPanicInDoneHarmsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		core, logs := observer.New(zapcore.DebugLevel)
		var hooked atomic.Int32
		p := r.producer(func(c *producer.Config) {
			c.Logger = zap.New(core)
			c.Hooks.Panicked = func(v any) {
				if v == "secret-data" {
					hooked.Add(1)
				}
			}
		})
		got := newResults()
		for i := range 10 {
			id := fmt.Sprint(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, func(result producer.Result) {
				got.done(id)(result)
				if i%2 == 0 {
					panic("secret-data")
				}
			}))
		}
		r.must(p.Flush(t.Context()))
		for i := range 10 {
			got.only(t, fmt.Sprint(i))
		}
		if hooked.Load() != 5 || logs.Len() != 5 {
			t.Errorf("the hook was called %d times, %d lines were logged", hooked.Load(), logs.Len())
		}
		for _, line := range logs.All() {
			if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, "secret") {
				t.Errorf("the log shows what was thrown: %s", text)
			}
		}
	})
}

func TestASlowCallbackHoldsPutUpAndNothingGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedRecords = 10 })
		until := make(chan struct{})
		accepted := 0
		for {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := p.Put(ctx, producer.Record{PartitionKey: "k"}, func(producer.Result) { <-until })
			cancel()
			if err != nil {
				break
			}
			accepted++
		}
		if accepted != 10 {
			t.Errorf("%d records were accepted", accepted)
		}
		close(until)
		r.must(p.Flush(t.Context()))
	})
}

func TestPutSyncAlignsResultsWithRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(nil)
		results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}, producer.Record{}, producer.Record{PartitionKey: "k"})
		if !errors.Is(err, producer.ErrEmptyKey) || len(results) != 3 {
			t.Fatalf("%v, %v", results, err)
		}
		if results[0].Err != nil || !errors.Is(results[1].Err, producer.ErrEmptyKey) || results[2].Err != nil {
			t.Errorf("%+v", results)
		}
		if results, err := p.PutSync(t.Context()); len(results) != 0 || err != nil {
			t.Errorf("no records: %v, %v", results, err)
		}
	})
}

func TestPutSyncEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		until := make(chan struct{})
		r.faults.add(block(until))
		p := r.producer(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		results, err := p.PutSync(ctx, producer.Record{PartitionKey: "k"})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(results[0].Err, producer.ErrOutcomeUnknown) {
			t.Errorf("%v, %+v", err, results)
		}
		close(until)
		r.must(p.Flush(t.Context()))
	})
}
