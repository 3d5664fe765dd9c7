package kinesislambda

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// counting is a function that counts the records of a window in its state, and notes each call as "texts n=count", the last one of a
// window with "final" or "early".
func (w *world) counting(then func(e *WindowEvent, r *WindowResponse) error) func(context.Context, WindowEvent) (WindowResponse, error) {
	return func(_ context.Context, e WindowEvent) (WindowResponse, error) {
		n, _ := strconv.Atoi(string(e.State["n"]))
		call := fmt.Sprintf("%s n=%d", texts(e.KinesisEvent), n)
		if e.IsFinalInvokeForWindow {
			call += " final"
		}
		if e.IsWindowTerminatedEarly {
			call += " early"
		}
		w.calls.add(strings.TrimSpace(call))
		r := WindowResponse{State: State{"n": json.RawMessage(strconv.Itoa(n + len(e.Records)))}}
		if then == nil {
			return r, nil
		}
		return r, then(&e, &r)
	}
}

// atWindow waits for the beginning of a minute.
func atWindow() { time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))) }

func (w *world) windowed() Mapping {
	m := w.mapping()
	m.TumblingWindow = time.Minute
	return m
}

func TestTheStateOfAWindowGoesFromCallToCall(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.BatchSize = 2
		atWindow()
		w.put("a", "b", "c")
		w.start(handler(w, w.counting(nil), m))
		w.awaitCalls(3)
		w.expect("a b n=0", "c n=2", "n=3 final")
		if age := time.Since(time.Now().Truncate(time.Minute)); age > 3*time.Second {
			t.Errorf("the window was closed %v after its end", age)
		}
		if w.tally.of("closed early=false") != 1 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestAWindowEventHasWhatTheServiceSends(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		atWindow()
		start := time.Now().UTC()
		w.put("a")
		var got events.KinesisTimeWindowEvent // aws-lambda-go's own
		fn := func(_ context.Context, e events.KinesisTimeWindowEvent) (events.KinesisTimeWindowEventResponse, error) {
			if len(e.Records) > 0 {
				got = e
			}
			w.calls.add(fmt.Sprint(e.State))
			return events.KinesisTimeWindowEventResponse{TimeWindowEventResponseProperties: events.TimeWindowEventResponseProperties{State: map[string]string{"x": "y"}}}, nil
		}
		w.start(handler(w, fn, m))
		w.awaitCalls(2)
		w.expect("map[]", "map[x:y]")
		if !got.Window.Start.Equal(start) || !got.Window.End.Equal(start.Add(time.Minute)) || got.ShardID != "shardId-000000000000" || got.EventSourceARN != got.Records[0].EventSourceArn {
			t.Errorf("event %+v", got)
		}
	})
}

func TestARecordOfALaterWindowClosesTheWindowFirst(t *testing.T) {
	bubble(t, func(w *world) {
		atWindow()
		w.put("a", "b")
		time.Sleep(time.Minute)
		w.put("c")
		w.start(handler(w, w.counting(nil), w.windowed())) // all in one batch
		w.awaitCalls(3)
		w.expect("a b n=0", "n=2 final", "c n=0")
	})
}

func TestNoCheckpointPassesAnOpenWindow(t *testing.T) {
	bubble(t, func(w *world) {
		atWindow()
		numbers := w.put("a")
		time.Sleep(time.Minute)
		numbers = append(numbers, w.put("b", "c")...)
		stop := w.start(handler(w, w.counting(nil), w.windowed()))
		w.awaitCalls(3)
		time.Sleep(20 * time.Second)
		if at := w.position(); !at.Covers(numbers[0], 0) || at.Covers(numbers[1], 0) {
			t.Errorf("checkpoint %v; the open window begins at %s", at, numbers[1])
		}
		stop()
		if at := w.position(); at.Covers(numbers[1], 0) {
			t.Errorf("checkpoint %v after the worker's end", at)
		}
		w.start(handler(w, w.counting(nil), w.windowed()))
		w.awaitCalls(5)
		w.awaitDone(numbers[2])
		w.expect("a n=0", "n=1 final", "b c n=0", "b c n=0", "n=2 final") // the window begins anew, with an empty state
	})
}

func TestTheSameHandlerForgetsAWindowThatItsWorkerGaveUp(t *testing.T) {
	bubble(t, func(w *world) {
		atWindow()
		w.put("a")
		h := handler(w, w.counting(nil), w.windowed())
		stop := w.start(h)
		w.awaitCalls(1)
		stop()
		w.start(h)
		w.awaitCalls(3)
		w.expect("a n=0", "a n=0", "n=1 final")
	})
}

func TestTheEndOfAShardClosesItsWindow(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.TumblingWindow = 15 * time.Minute
		time.Sleep(time.Until(time.Now().Truncate(15 * time.Minute).Add(15 * time.Minute)))
		w.put("a")
		fails := 2
		w.start(handler(w, w.counting(func(e *WindowEvent, _ *WindowResponse) error {
			if e.IsFinalInvokeForWindow && fails > 0 {
				fails--
				return errBad
			}
			return nil
		}), m))
		w.awaitCalls(1)
		_, err := w.client.SplitShard(w.Context(), &kinesis.SplitShardInput{
			StreamName: aws.String("orders"), ShardToSplit: aws.String("shardId-000000000000"), NewStartingHashKey: aws.String("170141183460469231731687303715884105728"),
		})
		w.must(err)
		w.put("b")
		w.awaitCalls(5)
		w.expect("a n=0", "n=1 final", "n=1 final", "n=1 final", "b n=0")
		if at := w.position().Text(); at != "SHARD_END" {
			t.Errorf("the parent stands at %s", at)
		}
	})
}

func TestAnAnswerWithoutAStateIsAFailedCall(t *testing.T) {
	bubble(t, func(w *world) {
		n := 0
		atWindow()
		w.put("a")
		w.start(handler(w, w.counting(func(_ *WindowEvent, r *WindowResponse) error {
			if n++; n%2 == 1 {
				r.State = nil
			}
			return nil
		}), w.windowed()))
		w.awaitCalls(4)
		w.expect("a n=0", "a n=0", "n=1 final", "n=1 final")
	})
}

func TestAFailedCallLeavesTheStateAsItWas(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.ReportBatchItemFailures = true
		n := 0
		atWindow()
		w.put("a", "b", "c")
		w.start(handler(w, w.counting(func(e *WindowEvent, r *WindowResponse) error {
			switch n++; n {
			case 1:
				return errBad
			case 2: // the first two are done, and the state is of them
				r.State["n"] = json.RawMessage("2")
				r.BatchItemFailures = []events.KinesisBatchItemFailure{{ItemIdentifier: e.Records[2].Kinesis.SequenceNumber}}
			}
			return nil
		}), m))
		w.awaitCalls(4)
		w.expect("a b c n=0", "a b c n=0", "c n=2", "n=3 final")
	})
}

func TestAStateThatGrowsTooLargeEndsItsWindowEarly(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.BatchSize = 1
		atWindow()
		numbers := w.put("a", "b")
		fails := 1
		w.start(handler(w, w.counting(func(e *WindowEvent, r *WindowResponse) error {
			if texts(e.KinesisEvent) == "a" {
				r.State["x"] = json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
			}
			if e.IsWindowTerminatedEarly && fails > 0 {
				fails--
				return errBad
			}
			return nil
		}), m))
		w.awaitCalls(5)
		w.awaitDone(numbers[1])
		w.expect("a n=0", "n=1 early", "n=1 early", "b n=0", "n=1 final")
		if w.tally.of("closed early=true") != 1 || w.tally.of("closed early=false") != 1 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestTheLastCallIsTriedAgainAndNothingGoesOnMeanwhile(t *testing.T) {
	bubble(t, func(w *world) {
		fails := 3
		atWindow()
		first := w.put("a")[0]
		time.Sleep(time.Minute)
		w.put("b")
		w.start(handler(w, w.counting(func(e *WindowEvent, _ *WindowResponse) error {
			if fails--; e.IsFinalInvokeForWindow && fails >= 0 {
				if w.position().Covers(first, 0) {
					t.Error("the checkpoint has passed the window")
				}
				return errBad
			}
			return nil
		}), w.windowed()))
		w.awaitCalls(5)
		w.expect("a n=0", "n=1 final", "n=1 final", "n=1 final", "b n=0")
	})
}

func TestTheMappingsLimitsHoldForTheLastCall(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.MaximumRetryAttempts, m.OnFailure = 2, w.sink
		atWindow()
		numbers := w.put("a", "b")
		time.Sleep(time.Minute)
		numbers = append(numbers, w.put("c")...)
		w.start(handler(w, w.counting(func(e *WindowEvent, _ *WindowResponse) error {
			if e.IsFinalInvokeForWindow && string(e.State["n"]) == "2" {
				return errBad
			}
			return nil
		}), m))
		w.awaitCalls(6)
		w.awaitDone(numbers[2])
		w.expect("a b n=0", "n=2 final", "n=2 final", "n=2 final", "c n=0", "n=1 final")
		got := w.sink.messages()
		if len(got) != 1 || got[0].KinesisBatchInfo.StartSequenceNumber != numbers[0] || got[0].KinesisBatchInfo.EndSequenceNumber != numbers[1] || got[0].KinesisBatchInfo.BatchSize != 2 {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestALastCallThatIsCutShortByItsWorkersEndIsMadeAgain(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.MaximumRetryAttempts, m.OnFailure, m.Timeout = NoRetries, w.sink, 10*time.Minute
		atWindow()
		number := w.put("a")[0]
		stop := w.start(handler(w, func(ctx context.Context, e WindowEvent) (r WindowResponse, err error) {
			w.calls.add(texts(e.KinesisEvent))
			if r.State = e.State; e.IsFinalInvokeForWindow {
				<-ctx.Done()
				err = context.Cause(ctx)
			}
			return r, err
		}, m))
		w.awaitCalls(2)
		stop()
		if w.position().Covers(number, 0) || len(w.sink.messages()) > 0 {
			t.Errorf("the position is %v; messages %+v", w.position(), w.sink.messages())
		}
	})
}

func TestAWorkersOwnWindowHandlerRunsOffLambda(t *testing.T) {
	bubble(t, func(w *world) {
		c := &counter{}
		atWindow()
		w.put("a", "b")
		w.putData("k", packed(t, "c", "d"))
		w.start(handler(w, WrapWindow(c), w.windowed()))
		w.await("the end of the window", func() bool { return w.tally.of("closed early=false") == 1 })
		if len(c.closed) != 1 || !strings.HasSuffix(c.closed[0], `{"n":4}`) {
			t.Errorf("closed %q", c.closed)
		}
	})
}

func TestAWindowClosesThoughWhatComesInMatchesNoFilter(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.windowed()
		m.FilterCriteria.Filters = []Filter{{`{"partitionKey":[{"anything-but":"no"}]}`}}
		atWindow()
		w.put("a")
		stop := w.start(handler(w, w.counting(nil), m))
		for range 90 {
			w.put("no:x")
			time.Sleep(time.Second)
		}
		stop()
		w.expect("a n=0", "n=1 final")
	})
}
