package kinesislambda

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

// sum is what the handlers below do with each record: next to nothing, so that what is around it shows.
var sum int

// BenchmarkWrap has the cost of a user record in a wrapped handler, beside that of the loop that a function without us would have: over the
// event's records, and over what aggregation.Decode returns of each.
func BenchmarkWrap(b *testing.B) {
	for _, members := range []int{0, 100} {
		e, users := benchEvent(b, members)
		name := fmt.Sprintf("members=%d/", members)
		b.Run(name+"wrapped", func(b *testing.B) {
			fn := Wrap(consumer.HandlerFunc(func(_ context.Context, batch *consumer.Batch) error {
				for i := range batch.Records {
					sum += len(batch.Records[i].Data)
				}
				return nil
			}))
			perRecord(b, users, func() error {
				_, err := fn(b.Context(), e)
				return err
			})
		})
		b.Run(name+"loop", func(b *testing.B) { perRecord(b, users, func() error { return loop(e) }) })
	}
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

func perRecord(b *testing.B, users int, f func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(users), "ns/record")
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
