//go:build unix

package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

// sum is what the handlers below do with each record: next to nothing, so that what is around it shows.
var sum int

// BenchmarkWrap has the processor time of a user record in a wrapped handler, beside that of the loop that a function without it would
// have: over the event's records, with aggregation.Decode for each. In the same turns, what aws-lambda-go takes to read the event's JSON.
func BenchmarkWrap(b *testing.B) {
	for _, members := range []int{0, 100} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			e, users := benchEvent(b, members)
			payload, err := json.Marshal(e)
			if err != nil {
				b.Fatal(err)
			}
			fn := Wrap(consumer.HandlerFunc(func(_ context.Context, batch *consumer.Batch) error {
				for i := range batch.Records {
					sum += len(batch.Records[i].Data)
				}
				return nil
			}))
			heap := make([]byte, 64<<20) // of a function in use: else the collector of garbage would run for each few events
			defer runtime.KeepAlive(heap)
			wrapped, bare, read := time.Hour, time.Hour, time.Hour
			b.ReportAllocs()
			for b.Loop() {
				wrapped = min(wrapped, timed(b, func() error {
					_, err := fn(b.Context(), e)
					return err
				}))
				bare = min(bare, timed(b, func() error { return loop(e) }))
				read = min(read, timed(b, func() error {
					var e events.KinesisEvent
					return json.Unmarshal(payload, &e)
				}))
			}
			each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / turns / float64(users) }
			b.ReportMetric(each(wrapped), "ns/record")
			b.ReportMetric(each(bare), "loop-ns/record")
			b.ReportMetric(each(read), "json-ns/record")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// turns is how often each is done at a time.
const turns = 20

// timed returns the processor time of turns calls: the machine may have others to serve.
func timed(b *testing.B, f func() error) time.Duration {
	b.Helper()
	began := processorTime(b)
	for range turns {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	return processorTime(b) - began
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func loop(e events.KinesisEvent) error {
	var users []aggregation.UserRecord
	for i := range e.Records {
		data := e.Records[i].Kinesis.Data
		var err error
		users, err = aggregation.Decode(users[:0], data)
		if errors.Is(err, aggregation.ErrNotAggregated) {
			sum += len(data)
			continue
		}
		if err != nil {
			return err
		}
		for j := range users {
			sum += len(users[j].Data)
		}
	}
	return nil
}

// benchEvent has 100 Kinesis records, each an aggregate of so many members of 100 bytes, or a plain record.
func benchEvent(b *testing.B, members int) (events.KinesisEvent, int) {
	b.Helper()
	var datas [][]byte
	for range 100 {
		var enc aggregation.Encoder
		for i := range members {
			if err := enc.Add(fmt.Sprintf("customer-%d", i), "", make([]byte, 100)); err != nil {
				b.Fatal(err)
			}
		}
		if members == 0 {
			datas = append(datas, make([]byte, 100))
			continue
		}
		datas = append(datas, enc.AppendTo(nil))
	}
	return event(datas...), 100 * max(members, 1)
}
