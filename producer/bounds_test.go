package producer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// block holds every PutRecords back until the test lets go.
func block(until <-chan struct{}) rule {
	return on("PutRecords", 0, func(c *call) (*http.Response, error) {
		select {
		case <-until:
			return nil, nil
		case <-c.req.Context().Done():
			return nil, c.req.Context().Err()
		}
	})
}

func TestPutWaitsForRoomInBytesAndInRecords(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*producer.Config)
		fit    int // records of 100 bytes with their key
	}{
		"bytes":   {func(c *producer.Config) { c.MaxBufferedBytes = 1024 }, 10},
		"records": {func(c *producer.Config) { c.MaxBufferedRecords = 7 }, 7},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			until := make(chan struct{})
			r.faults.add(block(until))
			p := r.producer(c.change)
			record := producer.Record{PartitionKey: "k", Data: make([]byte, 99)}
			for i := range c.fit {
				if err := p.TryPut(record, nil); err != nil {
					t.Fatalf("%s: record %d: %v", name, i, err)
				}
			}
			if err := p.TryPut(record, nil); !errors.Is(err, producer.ErrBufferFull) {
				t.Errorf("%s: one more than fits: %v", name, err)
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
			defer cancel()
			start := time.Now()
			if err := p.Put(ctx, record, nil); err == nil || !strings.Contains(err.Error(), "enough") || time.Since(start) != time.Second {
				t.Errorf("%s: Put returned %v after %v", name, err, time.Since(start))
			}
			time.AfterFunc(time.Second, func() { close(until) })
			if err := p.Put(t.Context(), record, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			r.must(p.Flush(t.Context()))
			if n := len(r.read()); n != c.fit+1 {
				t.Errorf("%s: the stream holds %d records", name, n)
			}
		})
	}
}

func TestARecordLargerThanTheBufferIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedBytes = 1024 })
		record := producer.Record{PartitionKey: "k", Data: make([]byte, 1024)}
		for _, err := range []error{p.TryPut(record, nil), p.Put(t.Context(), record, nil)} {
			if !errors.Is(err, producer.ErrLargerThanBuffer) {
				t.Errorf("%v", err)
			}
		}
	})
}

func TestWhoWaitsLongestForRoomIsServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		until := make(chan struct{})
		r.faults.add(block(until))
		p := r.producer(func(c *producer.Config) { c.MaxBufferedBytes = 1024 })
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: make([]byte, 1000)}, nil))
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i, size := range []int{900, 1, 500} { // the small one in the middle would fit much earlier
			wg.Go(func() {
				if err := p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: make([]byte, size)}, nil); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		if err := p.TryPut(producer.Record{PartitionKey: "k"}, nil); !errors.Is(err, producer.ErrBufferFull) {
			t.Errorf("TryPut overtook those who wait: %v", err)
		}
		close(until)
		wg.Wait()
		if order[2] != 2 {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestAFullBufferIsSentWithoutWaitingForLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxBufferedRecords, c.Linger, c.TTL = 2, time.Hour, 2*time.Hour })
		start := time.Now()
		for range 10 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, nil))
		}
		r.must(p.Flush(t.Context()))
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestRequestsKeepTheirBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		var inFlight, most atomic.Int32
		r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			time.Sleep(time.Second)
			return nil, nil
		}))
		requests := 0
		p := r.producer(func(c *producer.Config) {
			c.DisableAggregation, c.MaxInFlight, c.MaxRequestRecords, c.MaxRequestBytes, c.TTL = true, 3, 10, 1000, time.Hour
			var mu sync.Mutex
			c.Hooks.RequestDone = func(d producer.RequestDone) {
				mu.Lock()
				defer mu.Unlock()
				requests++
				if d.Records > 10 || d.Bytes > 1000 && d.Records > 1 {
					t.Errorf("%+v", d)
				}
			}
		})
		for i := range 200 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k", Data: make([]byte, i*6)}, nil))
		}
		r.must(p.Flush(t.Context()))
		if most.Load() != 3 || requests < 100 {
			t.Errorf("%d requests, %d at once", requests, most.Load())
		}
		if n := len(r.read()); n != 200 {
			t.Errorf("the stream holds %d records", n)
		}
	})
}

func TestAggregatesKeepTheirBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.MaxAggregateBytes, c.MaxAggregateRecords = 300, 4 })
		for i := range 300 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: strconv.Itoa(i), Data: make([]byte, i)}, nil))
		}
		r.must(p.Flush(t.Context()))
		sizes, counts, fullest, largest := make(map[string]int), make(map[string]int), 0, 0
		for _, raw := range r.raw("shardId-000000000000") {
			sizes[*raw.SequenceNumber] = len(raw.Data)
		}
		for _, s := range r.read() {
			if counts[s.sequence]++; s.aggregated {
				fullest, largest = max(fullest, counts[s.sequence]), max(largest, sizes[s.sequence])
			}
		}
		if fullest != 4 || largest <= 200 || largest > 300 {
			t.Errorf("the fullest aggregate has %d records, the largest %d bytes", fullest, largest)
		}
	})
}

func TestFlushWaitsForWhatWasPutBeforeAndForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(func(c *producer.Config) { c.Linger = 10 * time.Second })
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "the shards are known now"}); err != nil {
			t.Fatal(err)
		}
		r.faults.add(on("PutRecords", 1, func(*call) (*http.Response, error) {
			time.Sleep(time.Second)
			return nil, nil
		}))
		got := newResults()
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, got.done("before")))
		start := time.Now()
		time.AfterFunc(time.Second/2, func() {
			if err := p.TryPut(producer.Record{PartitionKey: "k"}, got.done("after")); err != nil {
				t.Error(err)
			}
		})
		r.must(p.Flush(t.Context()))
		if took := time.Since(start); took != time.Second || got.len() != 1 {
			t.Errorf("Flush took %v, %d results", took, got.len())
		}
		r.must(p.Flush(t.Context()))
		if got.len() != 2 {
			t.Errorf("%d results", got.len())
		}
	})
}

func TestFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		until := make(chan struct{})
		r.faults.add(block(until))
		p := r.producer(nil)
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		close(until)
		r.must(p.Flush(t.Context()))
	})
}

func TestCloseFlushesAndRefusesFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		p := r.producer(nil)
		got := newResults()
		for i := range 100 {
			id := fmt.Sprint(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: id, Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Close(t.Context()))
		checkPut(t, r.read(), got, 100)
		if err := p.Put(t.Context(), producer.Record{PartitionKey: "k"}, nil); !errors.Is(err, producer.ErrClosed) {
			t.Errorf("Put: %v", err)
		}
		if err := p.TryPut(producer.Record{PartitionKey: "k"}, nil); !errors.Is(err, producer.ErrClosed) {
			t.Errorf("TryPut: %v", err)
		}
		r.must(p.Close(t.Context()))
		r.must(p.Flush(t.Context()))
	})
}

func TestCloseOfAFreshProducerReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.must(r.producer(nil).Close(t.Context()))
	})
}

func TestCloseAtEveryStageGivesEachRecordItsOneResult(t *testing.T) {
	stages := map[string]func() rule{
		"the stream is not known": func() rule { return on("DescribeStreamSummary", 0, hang) },
		"the shards are not known": func() rule {
			return on("ListShards", 0, refuse("InternalFailureException", http.StatusInternalServerError))
		},
		"in flight":                   func() rule { return on("PutRecords", 0, hang) },
		"between attempts":            func() rule { return on("PutRecords", 0, throttle(func(int) bool { return true })) },
		"some stored, others waiting": func() rule { return on("PutRecords", 0, throttleSome()) },
		"rejected in part": func() rule {
			return on("PutRecords", 0, refuse("InvalidArgumentException", http.StatusBadRequest))
		},
	}
	for name, stage := range stages {
		for configName, change := range map[string]func(*producer.Config){"default": nil, "ordered": tinyAggregates, "plain": plainly,
			"fail later": func(c *producer.Config) { tinyAggregates(c); c.OnOrderedFailure = producer.FailLater }} {
			for _, after := range []time.Duration{0, 50 * time.Millisecond, 300 * time.Millisecond, 8 * time.Second} {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(t, 2)
					r.faults.add(stage())
					p := r.producer(change)
					got := newResults()
					for i := range 100 {
						id := fmt.Sprint(i)
						if err := p.Put(t.Context(), producer.Record{PartitionKey: id, Data: []byte(id)}, got.done(id)); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(after)
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					defer cancel()
					start := time.Now()
					err := p.Close(ctx)
					if took := time.Since(start); took > time.Second {
						t.Errorf("%s, %s, %v: Close took %v", name, configName, after, took)
					}
					failed := 0
					for i := range 100 {
						if e := got.only(t, fmt.Sprint(i)).Err; errors.Is(e, producer.ErrClosed) {
							failed++
						}
					}
					if (failed > 0) != errors.Is(err, producer.ErrClosed) {
						t.Errorf("%s, %s, %v: %d records were given up, Close says %v", name, configName, after, failed, err)
					}
				})
			}
		}
	}
}

func TestCloseWakesPutsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		until := make(chan struct{})
		r.faults.add(block(until))
		p := r.producer(func(c *producer.Config) { c.MaxBufferedRecords = 1 })
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, nil))
		waits := make(chan error, 1)
		var wg sync.WaitGroup
		wg.Go(func() { waits <- p.Put(t.Context(), producer.Record{PartitionKey: "k"}, nil) })
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(until) })
		r.must(p.Close(t.Context()))
		if err := <-waits; !errors.Is(err, producer.ErrClosed) {
			t.Errorf("%v", err)
		}
		wg.Wait()
	})
}

func TestCloseReturnsThoughACallbackDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		p := r.producer(nil)
		until := make(chan struct{})
		r.must(p.Put(t.Context(), producer.Record{PartitionKey: "k"}, func(producer.Result) { <-until }))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, producer.ErrClosed) || !strings.Contains(err.Error(), "callback") {
			t.Errorf("%v", err)
		}
		close(until)
		r.must(p.Close(t.Context()))
	})
}
