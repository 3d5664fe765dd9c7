//go:build unix

package consumer

import (
	"context"
	"crypto/md5"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/retry"
)

// bench is one shard's way from a page to a handler that does nothing, without service and lease.
type bench struct {
	r     *reader
	c     *collector
	page  []types.Record
	pages chan page
	done  chan struct{} // a page is done
	next  int
	xor   byte // of the sums, so that they are made
}

// members is how many user records the page of a bench has.
const members = 1000

func newBench(tb testing.TB, cfg Config) *bench {
	tb.Helper()
	var handled atomic.Int64
	b := &bench{page: bigPage(tb), pages: make(chan page, 1), done: make(chan struct{}, 1), next: 1}
	cfg.Hooks.Handled = func(h Handled) {
		if handled.Add(int64(h.Records))%members == 0 {
			b.done <- struct{}{}
		}
	}
	cfg.Handler = noHandler
	b.r = &reader{vital: newVital(time.Minute), c: &Consumer{cfg: cfg.withDefaults(), budget: newBudget(1 << 20), jitter: retry.NewJitter(1)}, log: zap.NewNop(), shard: Shard{ID: "s"}}
	b.r.handling = tb.Context()
	b.r.reading, b.r.stop = context.WithCancel(tb.Context())
	b.r.handler, b.r.shape = noHandler, b.r.c.cfg.shapeOf(noHandler)
	b.r.unpack = newUnpacker(b.r, checkpoint.TrimHorizon)
	b.r.progress = newProgress(b.r, checkpoint.TrimHorizon)
	b.r.progress.begin(checkpoint.TrimHorizon, b.r.shape.Concurrency, trackedPerInAir*b.r.shape.inAir())
	if b.c = newCollector(b.r); !b.c.inline {
		b.pages <- page{records: slices.Clone(b.page)}
		b.r.helpers.Go("deal", func() { _, _ = b.c.run(b.pages) })
	}
	return b
}

func (b *bench) stop() {
	b.r.stop()
	b.r.helpers.Wait(context.WithoutCancel(b.r.reading))
}

// turn brings one page to the handler. Its records are new ones.
func (b *bench) turn() {
	for i := range b.page {
		number := fmt.Sprintf("495903382714902564168%035d", b.next)
		b.page[i].SequenceNumber = &number
		b.next++
	}
	if b.c.inline {
		b.c.load(page{records: b.page}, true)
		b.c.work()
		<-b.done
		return
	}
	b.pages <- page{records: slices.Clone(b.page)} // which the one before it is still being handled
	<-b.done
}

// BenchmarkDeliver measures the way of a page of aggregates to the handler and, turn by turn, its floor: nobody can say that an aggregate
// is whole without its MD5. Of both the best turn counts, since what slows one down is not the code.
func BenchmarkDeliver(b *testing.B) {
	for _, lanes := range []int{1, 4} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			bench := newBench(b, Config{Concurrency: lanes})
			defer bench.stop()
			turn, floor := time.Hour, time.Hour
			heap := make([]byte, defaultMaxBufferedBytes/2) // of a worker in use: else the collector of garbage would run for each few pages
			defer runtime.KeepAlive(heap)
			b.ReportAllocs()
			for b.Loop() {
				turn = min(turn, timed(bench.turn)/turns)
				floor = min(floor, timed(bench.sum)/turns)
			}
			b.ReportMetric(perMember(turn), "ns/record")
			b.ReportMetric(perMember(floor), "floor-md5-ns/record")
			b.ReportMetric(perMember(turn-floor), "above-floor-ns/record")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// sum makes the MD5 of each aggregate.
func (b *bench) sum() {
	for i := range b.page {
		sum := md5.Sum(b.page[i].Data)
		b.xor ^= sum[0]
	}
}

// turns is how often each is done at a time: of that many pages, one may be fetched ahead.
const turns = 50

// timed returns the processor time that f takes, done so often: the machine may have others to serve.
func timed(f func()) time.Duration {
	began := processorTime()
	for range turns {
		f()
	}
	return processorTime() - began
}

func processorTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func perMember(d time.Duration) float64 { return float64(d.Nanoseconds()) / members }

func TestDeliveryAllocatesForPagesAndNotForUserRecords(t *testing.T) {
	for _, lanes := range []int{1, 2} {
		bench := newBench(t, Config{Concurrency: lanes})
		bench.turn()
		// For each aggregate its keys and, here, its sequence number; for each batch and page a few.
		if got, most := testing.AllocsPerRun(20, bench.turn), float64(4*len(bench.page)+60*lanes); got > most {
			t.Errorf("%d lanes: %v allocations for %d user records, at most %v are allowed", lanes, got, members, most)
		}
		bench.stop()
	}
}
