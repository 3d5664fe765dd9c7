package kinesislambda

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

// Whatever a function answers, the mapping knows how many records are done, and why not all.
func FuzzReply(f *testing.F) {
	for _, text := range []string{
		"", "null", "{}", `"x"`, `[1]`, `{"state":{"a":1},"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"101"}]}`,
		`{"batchItemFailures":[{"itemIdentifier":null},{"x":1},7]}`, `{"state":null,"batchItemFailures":{}}`,
	} {
		f.Add([]byte(text))
	}
	records := []consumer.Record{{SequenceNumber: "101"}, {SequenceNumber: "102"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := readReply(text)
		done, err := r.done(records)
		if done < 0 || done > len(records) || (err == nil) != (done == len(records)) {
			t.Fatalf("%d done, %v", done, err)
		}
	})
}

// Where a user record stands in an event is found again after the event was handed out, whatever is in it and left out of it.
func TestEveryUserRecordIsLocatedWhereItWasTakenFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.Bool().Draw(t, "raw")
		var datas [][]byte
		var done []uint64
		for i := range rapid.IntRange(1, 6).Draw(t, "records") {
			members := rapid.IntRange(0, 5).Draw(t, "members")
			done = append(done, rapid.SampledFrom([]uint64{0, 0, 1, 2, 5, 9, math.MaxUint64}).Draw(t, "done"))
			var e aggregation.Encoder
			for m := range members {
				if err := e.Add("k", "", fmt.Appendf(nil, "%d/%d", i, m)); err != nil {
					t.Fatal(err)
				}
			}
			if members == 0 {
				datas = append(datas, fmt.Appendf(nil, "%d", i))
				continue
			}
			datas = append(datas, e.AppendTo(nil))
		}
		if rapid.Bool().Draw(t, "without memory") {
			done = nil
		}
		verifyPlaces(t, event(datas...).Records, raw, done, rapid.IntRange(1, 7).Draw(t, "batch"))
	})
}

func verifyPlaces(t *rapid.T, records []events.KinesisEventRecord, raw bool, done []uint64, n int) {
	o := opener{records: records, raw: raw, done: done}
	var all []consumer.Record
	for batch := o.batch(n); len(batch) > 0; batch = o.batch(n) {
		if len(batch) > n {
			t.Fatalf("a batch of %d", len(batch))
		}
		all = append(all, batch...)
	}
	for i, r := range all {
		at := locate(records, raw, done, i)
		if records[at.outer].Kinesis.SequenceNumber != r.SequenceNumber || at.sub != r.SubSequence {
			t.Fatalf("record %d is %s/%d, located at %+v", i, r.SequenceNumber, r.SubSequence, at)
		}
		if done != nil && r.SubSequence < done[at.outer] {
			t.Fatalf("record %s/%d was done", r.SequenceNumber, r.SubSequence)
		}
	}
	if !slices.IsSortedFunc(all, compare) {
		t.Fatal("out of order")
	}
}

func compare(a, b consumer.Record) int {
	switch {
	case before(a.SequenceNumber, b.SequenceNumber), a.SequenceNumber == b.SequenceNumber && a.SubSequence < b.SubSequence:
		return -1
	case a.SequenceNumber == b.SequenceNumber && a.SubSequence == b.SubSequence:
		return 0
	}
	return 1
}
