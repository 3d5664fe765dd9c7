package kinesislambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

func TestEventsHaveNoMoreThanBatchSizeRecords(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.BatchSize = 2
		w.put("a", "b", "c", "d", "e")
		w.start(handler(w, w.recording(nil), m))
		w.awaitCalls(3)
		w.expect("a b", "c d", "e")
		if w.tally.of("polled") != 5 || w.tally.of("invoked") != 5 || w.tally.of("ages") != 3 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestAggregatesAreGivenToTheFunctionClosed(t *testing.T) {
	bubble(t, func(w *world) {
		whole := packed(t, "a", "b")
		number := w.putData("outer", whole)
		w.start(handler(w, func(_ context.Context, e events.KinesisEvent) error {
			k := e.Records[0].Kinesis
			if !slices.Equal(k.Data, whole) || k.PartitionKey != "outer" || k.SequenceNumber != number || e.Records[0].EventSourceArn != "arn:aws:kinesis:us-east-1:123456789012:stream/orders" {
				t.Errorf("record %+v", e.Records[0])
			}
			w.calls.add("")
			return nil
		}, w.mapping()))
		w.awaitCalls(1)
		w.awaitDone(number)
	})
}

func TestABatchWaitsForItsWindow(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.BatchSize, m.MaximumBatchingWindow = 3, 5*time.Minute
		began := time.Now()
		w.put("a", "b")
		w.start(handler(w, w.recording(nil), m))
		time.Sleep(time.Minute)
		w.put("c")
		w.awaitCalls(1) // full
		if waited := w.calls.at(0).Sub(began); waited > 63*time.Second {
			t.Errorf("a full batch waited %v", waited)
		}
		w.put("d")
		w.awaitCalls(2) // the window is over
		w.expect("a b c", "d")
		if waited := w.calls.at(1).Sub(w.calls.at(0)); waited < 5*time.Minute || waited > 303*time.Second {
			t.Errorf("the window took %v", waited)
		}
	})
}

func TestTheMappingIsAllThatCountsForBatches(t *testing.T) {
	bubble(t, func(w *world) {
		w.put("k1:a", "k2:b", "k3:c")
		began := time.Now()
		w.startWith(consumer.Config{
			Handler:     handler(w, w.recording(nil), Mapping{}),
			BatchWindow: 10 * time.Minute, MaxBatchRecords: 1, MaxBatchBytes: 1, Concurrency: 10,
		})
		w.awaitCalls(1)
		w.expect("a b c")
		if waited := w.calls.at(0).Sub(began); waited > 10*time.Second {
			t.Errorf("the batch waited %v", waited)
		}
	})
}

func TestABatchEndsBeforeItsEventExceeds6MB(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumBatchingWindow = time.Minute
		var sizes []int
		began := time.Now()
		fn := invoker(func(_ context.Context, payload []byte) ([]byte, error) {
			sizes = append(sizes, len(payload))
			w.calls.add(fmt.Sprint(strings.Count(string(payload), `"data"`)))
			return nil, nil
		})
		for range 5 {
			w.putData("key", make([]byte, 1<<20-10))
		}
		w.start(handler(w, fn, m))
		w.awaitCalls(2)
		w.expect("4", "1")
		if waited := w.calls.at(0).Sub(began); waited > 5*time.Second || sizes[0] > 6<<20 {
			t.Errorf("the full event came after %v with %d bytes", waited, sizes[0])
		}
	})
}

func TestEventsOfAShardAreHandledSideBySideByOuterKey(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.ParallelizationFactor, m.BatchSize, m.Timeout = 4, 5, time.Minute
		for i := range 60 {
			w.put(fmt.Sprintf("key-%d:%d-%03d", i%12, i%12, i))
		}
		var mu sync.Mutex
		var busy, most int
		last := make(map[string]string)
		fn := func(_ context.Context, e events.KinesisEvent) error {
			mu.Lock()
			busy++
			most = max(most, busy)
			for _, r := range e.Records {
				text := string(r.Kinesis.Data)
				if key := r.Kinesis.PartitionKey; last[key] >= text {
					t.Errorf("%s after %s", text, last[key])
				} else {
					last[key] = text
				}
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			mu.Unlock()
			return nil
		}
		w.start(handler(w, fn, m))
		w.await("all", func() bool { return w.tally.of("invoked") == 60 })
		if most < 2 || most > 4 {
			t.Errorf("%d at a time", most)
		}
	})
}

func TestFiltersComeBeforeBatches(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.BatchSize, m.MaximumBatchingWindow = 2, time.Minute
		m.FilterCriteria.Filters = []Filter{
			{`{"data":{"side":["buy"]}}`},
			{`{"partitionKey":["all"]}`},
		}
		numbers := w.put(`k:{"side":"sell"}`, `k:{"side":"buy"}`, "k:no-json", `k:{"side":"sell"}`, "all:no-json", `k:{"side":"sell"}`)
		w.start(handler(w, w.recording(nil), m))
		w.awaitCalls(1)
		w.awaitDone(numbers[5])
		w.expect(`{"side":"buy"} no-json`)
		if w.tally.of("polled") != 6 || w.tally.of("filtered") != 4 || w.tally.of("invoked") != 2 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestAFilterThatMatchesNothingMovesOn(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.FilterCriteria.Filters = []Filter{{`{"data":{"side":["buy"]}}`}}
		numbers := w.put("a", "b", `{"side":"sell"}`)
		w.start(handler(w, w.recording(nil), m))
		w.awaitDone(numbers[2])
		w.expect()
	})
}

func TestDataThatIsNotJSONMatchesNotEvenWhatIsNotToBeThere(t *testing.T) {
	fs := FilterCriteria{Filters: []Filter{{`{"data":{"side":[{"exists":false}]}}`}}}.compile()
	for data, want := range map[string]bool{"no json": false, `{"a":1}`: true, `{"side":1}`: false} {
		if e := event([]byte(data)).Records[0]; fs.match(&e) != want {
			t.Errorf("%s: not %v", data, want)
		}
	}
}

func TestAnAggregateMatchesNoPatternForData(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.FilterCriteria.Filters = []Filter{{`{"data":{"side":["buy"]}}`}}
		number := w.putData("k", packed(t, `{"side":"buy"}`))
		w.start(handler(w, w.recording(nil), m))
		w.awaitDone(number)
		w.expect()
	})
}

func TestMetadataIsFilteredByItsNamesInTheEvent(t *testing.T) {
	e := event([]byte(`{"n":1}`)).Records[0]
	for pattern, want := range map[string]bool{
		`{"partitionKey":["key"]}`:                                        true,
		`{"sequenceNumber":["101"],"eventID":[{"suffix":":101"}]}`:        true,
		`{"approximateArrivalTimestamp":[{"numeric":[">=",1700000000]}]}`: true,
		`{"awsRegion":["us-east-1"],"eventName":[{"exists":true}]}`:       true,
		`{"partitionKey":["key"],"data":{"n":[2]}}`:                       false,
		`{"$or":[{"data":{"n":[2]}},{"data":{"n":[1]}}]}`:                 true,
		`{"kinesisSchemaVersion":["1.0"],"eventSource":["aws:kinesis"]}`:  true,
		`{"eventSourceARN":[{"prefix":"arn:aws:sqs"}]}`:                   false,
	} {
		fs := FilterCriteria{Filters: []Filter{{pattern}}}.compile()
		if len(fs) != 1 || fs.match(&e) != want {
			t.Errorf("%s: not %v", pattern, want)
		}
	}
}

func TestARecordThatFitsIntoNoEventIsPassedOverToTheDestination(t *testing.T) {
	bubble(t, func(w *world) {
		_, err := w.client.UpdateMaxRecordSize(w.Context(), maxRecordSize)
		w.must(err)
		m := w.mapping()
		m.OnFailure = w.sink
		big := w.putData("k", make([]byte, 5<<20))
		last := w.put("a")[0]
		w.start(handler(w, w.recording(nil), m))
		w.awaitDone(last)
		w.expect("a")
		if got := w.sink.messages(); len(got) != 1 || got[0].RequestContext.Condition != ConditionPayloadSizeExceeded || got[0].KinesisBatchInfo.StartSequenceNumber != big {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestARecordThatFitsIntoNoEventStopsAMappingWithoutADestination(t *testing.T) {
	bubble(t, func(w *world) {
		_, err := w.client.UpdateMaxRecordSize(w.Context(), maxRecordSize)
		w.must(err)
		w.putData("k", make([]byte, 5<<20))
		last := w.put("a")[0]
		w.start(handler(w, w.recording(nil), w.mapping()))
		time.Sleep(10 * time.Minute)
		if w.expect(); w.position().Covers(last, 0) {
			t.Error("the record was passed over")
		}
	})
}

func TestWithoutAConsumerTheHandlerFiltersAndDividesByItself(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.BatchSize = 2
		m.FilterCriteria.Filters = []Filter{{`{"partitionKey":[{"anything-but":"no"}]}`}}
		b := batchOf("a", "no:x", "b", "c")
		if err := handler(w, w.recording(nil), m).Handle(w.Context(), b); err != nil {
			t.Error(err)
		}
		w.expect("a b", "c")
		b = batchOf("no:x", "a", "b")
		if err := handler(w, w.recording(poisoned("b")), m).Handle(w.Context(), b); !errors.Is(err, errBad) {
			t.Error(err)
		}
	})
}
