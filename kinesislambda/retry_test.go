package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/consumer"
)

// reporting answers that the records with these texts have failed, in that order.
func reporting(bad ...string) func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error) {
	return func(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
		for _, text := range bad {
			for _, record := range e.Records {
				if string(record.Kinesis.Data) == text {
					r.BatchItemFailures = append(r.BatchItemFailures, events.KinesisBatchItemFailure{ItemIdentifier: record.Kinesis.SequenceNumber})
				}
			}
		}
		return r, nil
	}
}

func TestAFailedBatchIsTriedAgainUntilItSucceeds(t *testing.T) {
	bubble(t, func(w *world) {
		numbers := w.put("a", "b")
		n := 0
		w.start(handler(w, w.recording(func(context.Context, events.KinesisEvent) (r events.KinesisEventResponse, err error) {
			if n++; n < 30 {
				err = errBad
			}
			return r, err
		}), w.mapping()))
		w.awaitDone(numbers[1])
		w.expect(slices.Repeat([]string{"a b"}, 30)...)
		if w.tally.of("failed") != 58 || w.tally.of("invoked") != 60 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestAfterItsRetriesABatchGoesToTheDestination(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.BatchSize = 2, w.sink, 2
		numbers := w.put("poison", "b", "c")
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(numbers[2])
		w.expect("poison b", "poison b", "poison b", "c")
		got := w.sink.messages()
		if len(got) != 1 || w.tally.of("delivered") != 2 || w.tally.of("dropped") != 0 {
			t.Fatalf("messages %+v, counted %v", got, w.tally.n)
		}
		if info := got[0].KinesisBatchInfo; info.StartSequenceNumber != numbers[0] || info.EndSequenceNumber != numbers[1] || info.BatchSize != 2 {
			t.Errorf("batch %+v", info)
		}
	})
}

func TestNoRetriesMeansOneCall(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure = NoRetries, w.sink
		number := w.put("poison")[0]
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(number)
		w.expect("poison")
	})
}

func TestTheMessageIsTheDocumentedOne(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.FunctionArn = 1, w.sink, "arn:aws:lambda:us-east-2:123456789012:function:myfunction"
		number := w.put("poison")[0]
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(number)
		r := w.sink.messages()[0]
		got := message(t, &r)
		ids := got["requestContext"].(map[string]any)
		id, timestamp := ids["requestId"], got["timestamp"]
		info := got["KinesisBatchInfo"].(map[string]any)
		arrival := info["approximateArrivalOfFirstRecord"]
		want := map[string]any{
			"requestContext": map[string]any{
				"requestId": id, "functionArn": m.FunctionArn, "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2.0,
			},
			"responseContext": map[string]any{"statusCode": 200.0, "executedVersion": "$LATEST", "functionError": "Unhandled"},
			"version":         "1.0", "timestamp": timestamp,
			"KinesisBatchInfo": map[string]any{
				"shardId": "shardId-000000000000", "startSequenceNumber": number, "endSequenceNumber": number,
				"approximateArrivalOfFirstRecord": arrival, "approximateArrivalOfLastRecord": arrival, "batchSize": 1.0,
				"streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
			},
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) || len(id.(string)) != 36 {
			t.Errorf("%s\nwant\n%s", a, b)
		}
		for _, text := range []any{timestamp, arrival} {
			if _, err := time.Parse("2006-01-02T15:04:05.999Z", text.(string)); err != nil {
				t.Error(err)
			}
		}
		var whole events.KinesisEvent
		if err := json.Unmarshal([]byte(r.Payload), &whole); err != nil || texts(whole) != "poison" {
			t.Errorf("payload %s", r.Payload)
		}
	})
}

func TestADestinationThatFailsIsToldAgainAndNothingPasses(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.BatchSize = NoRetries, w.sink, 1
		w.sink.fails = 20
		numbers := w.put("poison", "b")
		w.start(handler(w, w.recording(poisoned("poison")), m))
		time.Sleep(time.Minute)
		w.expect("poison")
		w.awaitDone(numbers[1])
		w.expect("poison", "b")
		if got := w.sink.messages(); len(got) != 1 {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestDiscardedRecordsAreCounted(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.DiscardOnExhaustion = 1, true
		numbers := w.put("poison", "b")
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(numbers[1])
		w.expect("poison b", "poison b")
		if w.tally.of("dropped") != 2 {
			t.Errorf("counted %v", w.tally.n)
		}
	})
}

func TestBisectionFindsTheBadRecordAndCountsNoAttempt(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.BisectBatchOnFunctionError = 1, w.sink, true
		numbers := w.put("a", "b", "poison", "d")
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(numbers[3])
		w.expect("a b poison d", "a b", "poison d", "poison", "poison", "d")
		if got := w.sink.messages(); len(got) != 1 || got[0].KinesisBatchInfo.StartSequenceNumber != numbers[2] || got[0].KinesisBatchInfo.BatchSize != 1 {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestRecordsThatAreTooOldAreNotGivenToTheFunction(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRecordAge, m.OnFailure = time.Minute, w.sink
		numbers := w.put("old-1", "old-2")
		time.Sleep(2 * time.Minute)
		numbers = append(numbers, w.put("new")...)
		w.start(handler(w, w.recording(nil), m))
		w.awaitDone(numbers[2])
		w.expect("new")
		got := w.sink.messages()
		if len(got) != 1 || got[0].RequestContext.Condition != "RecordAgeExceeded" || got[0].KinesisBatchInfo.BatchSize != 2 || got[0].ResponseContext != nil {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestRetriesEndWhenRecordsBecomeTooOld(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRecordAge, m.OnFailure = 10*time.Minute, w.sink
		began := time.Now()
		number := w.put("poison")[0]
		w.start(handler(w, w.recording(poisoned("poison")), m))
		w.awaitDone(number)
		if took := time.Since(began); took < 10*time.Minute || took > 11*time.Minute {
			t.Errorf("it took %v", took)
		}
		got := w.sink.messages()
		if len(got) != 1 || got[0].RequestContext.Condition != "RecordAgeExceeded" || got[0].ResponseContext == nil || got[0].RequestContext.ApproximateInvokeCount < 5 {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestAReportedFailureIsTheBeginningOfTheNextEvent(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.ReportBatchItemFailures, m.MaximumRetryAttempts, m.OnFailure = true, 1, w.sink
		numbers := w.put("a", "b", "c", "d")
		w.start(handler(w, w.recording(reporting("d", "c")), m)) // out of order: the lowest counts
		w.awaitDone(numbers[3])
		w.expect("a b c d", "c d", "c d")
		if got := w.sink.messages(); len(got) != 1 || got[0].KinesisBatchInfo.StartSequenceNumber != numbers[2] {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestABatchIsCutAtTheReportedFailure(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.ReportBatchItemFailures, m.BisectBatchOnFunctionError, m.MaximumRetryAttempts, m.OnFailure = true, true, 1, w.sink
		numbers := w.put("a", "b", "c", "d", "e")
		w.start(handler(w, w.recording(reporting("b")), m))
		w.awaitDone(numbers[4])
		w.expect("a b c d e", "b c d e", "b c", "b", "b", "c", "d e")
		if got := w.sink.messages(); len(got) != 1 || got[0].KinesisBatchInfo.BatchSize != 1 {
			t.Errorf("messages %+v", got)
		}
	})
}

func TestAnswersThatNameNoRecordOfTheBatchFailAllOfIt(t *testing.T) {
	for name, id := range map[string]string{"empty": "", "unknown": "12345"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				m := w.mapping()
				m.ReportBatchItemFailures = true
				numbers := w.put("a", "b")
				n := 0
				w.start(handler(w, w.recording(func(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
					if n++; n == 1 {
						r.BatchItemFailures = []events.KinesisBatchItemFailure{{ItemIdentifier: e.Records[1].Kinesis.SequenceNumber}, {ItemIdentifier: id}}
					}
					return r, nil
				}), m))
				w.awaitDone(numbers[1])
				w.expect("a b", "a b")
			})
		})
	}
}

func TestReportsAreNotLookedAtUnlessTheMappingSaysSo(t *testing.T) {
	bubble(t, func(w *world) {
		numbers := w.put("a", "b")
		w.start(handler(w, w.recording(reporting("a")), w.mapping()))
		w.awaitDone(numbers[1])
		w.expect("a b")
	})
}

func TestAPanicIsAFailedCall(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.BisectBatchOnFunctionError = 1, w.sink, true
		numbers := w.put("a", "poison", "c")
		w.start(handler(w, w.recording(func(_ context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			if strings.Contains(texts(e), "poison") {
				panic("poison")
			}
			return r, nil
		}), m))
		w.awaitDone(numbers[2])
		w.expect("a poison c", "a", "poison c", "poison", "poison", "c")
	})
}

func TestAFunctionsTimeIsLimited(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.Timeout = 1, w.sink, 10*time.Second
		number := w.put("a")[0]
		began := time.Now()
		var causes []error
		w.start(handler(w, w.recording(func(ctx context.Context, _ events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			<-ctx.Done()
			causes = append(causes, context.Cause(ctx))
			return r, ctx.Err()
		}), m))
		w.awaitDone(number)
		if took := w.calls.at(1).Sub(began); took < 10*time.Second || took > 12*time.Second || len(causes) != 2 || !errors.Is(causes[0], ErrTimeout) {
			t.Errorf("the second call came after %v; %v", took, causes)
		}
	})
}

func TestAFunctionThatSucceedsAfterItsWorkersTimeHasFailed(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.Timeout = 10 * time.Minute
		number := w.put("a")[0]
		stop := w.start(handler(w, w.recording(func(ctx context.Context, _ events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			<-ctx.Done()
			return r, nil
		}), m))
		w.awaitCalls(1)
		stop()
		if w.position().Covers(number, 0) {
			t.Errorf("the position is %v", w.position())
		}
		w.start(handler(w, w.recording(nil), m))
		w.awaitDone(number)
		w.expect("a", "a")
	})
}

func TestAFunctionThatSucceedsTooLateHasFailed(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		number := w.put("a")[0]
		n := 0
		w.start(handler(w, w.recording(func(context.Context, events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			if n++; n == 1 {
				time.Sleep(time.Minute) // it does not look at its context; and nobody calls it meanwhile
			}
			return r, nil
		}), m))
		w.awaitDone(number)
		w.expect("a", "a")
		if gap := w.calls.at(1).Sub(w.calls.at(0)); gap < time.Minute {
			t.Errorf("it was called again after %v, while it ran", gap)
		}
	})
}

func TestAFunctionThatHangsIsReportedAndNotCalledBesideItself(t *testing.T) {
	bubble(t, func(w *world) {
		core, logs := observer.New(zap.ErrorLevel)
		m := w.mapping()
		m.Logger = zap.New(core)
		release := make(chan struct{})
		number := w.put("a")[0]
		w.start(handler(w, w.recording(func(context.Context, events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			<-release
			return r, nil
		}), m))
		w.awaitCalls(1)
		time.Sleep(time.Hour)
		w.expect("a")
		if logs.FilterMessageSnippet("has not returned").Len() != 1 || w.position().Covers(number, 0) {
			t.Errorf("logged %v", logs.All())
		}
		close(release)
		w.awaitDone(number)
		w.expect("a", "a")
	})
}

func TestAPoisonRecordInAnAggregateTakesTheAggregateWithIt(t *testing.T) {
	bubble(t, func(w *world) {
		m := w.mapping()
		m.MaximumRetryAttempts, m.OnFailure, m.ReportBatchItemFailures, m.BisectBatchOnFunctionError = 1, w.sink, true, true
		first := w.put("a")[0]
		bad := w.putData("k", packed(t, "b", "poison", "c"))
		last := w.put("d")[0]
		h := failsAt("poison")
		// The function is a worker's own handler, wrapped for Lambda: both ways at once.
		w.start(handler(w, Wrap(h), m))
		w.awaitDone(last)
		if got := h.texts(); !slices.Equal(got, strings.Fields("a b poison b poison b poison b poison d")) {
			t.Errorf("handled %q", got)
		}
		got := w.sink.messages()
		if len(got) != 1 || got[0].KinesisBatchInfo.StartSequenceNumber != bad || got[0].KinesisBatchInfo.EndSequenceNumber != bad {
			t.Errorf("messages %+v; the bad one is %s between %s and %s", got, bad, first, last)
		}
	})
}

func TestAWorkerThatStopsDoesNotWaitForABatchToSucceed(t *testing.T) {
	bubble(t, func(w *world) {
		w.put("poison")
		stop := w.start(handler(w, w.recording(poisoned("poison")), w.mapping()))
		w.awaitCalls(8)
		began := time.Now()
		stop()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("the worker took %v to stop", took)
		}
	})
}

func TestErrorsOfCallsKeepTheirCause(t *testing.T) {
	err := &InvocationError{RequestID: "7", Cause: errBad}
	if err.Error() != "kinesislambda: invocation 7: the handler cannot" || !errors.Is(err, errBad) {
		t.Error(err)
	}
	var _ consumer.DeadLetter = (*mapped)(nil)
}

func TestTheLogSaysWhatHappensAndNoData(t *testing.T) {
	bubble(t, func(w *world) {
		core, logs := observer.New(zap.DebugLevel)
		m := w.mapping()
		m.Logger, m.MaximumRetryAttempts, m.DiscardOnExhaustion = zap.New(core), NoRetries, true
		number := w.putData("secret-key", []byte("secret-data"))
		w.start(handler(w, w.recording(func(context.Context, events.KinesisEvent) (r events.KinesisEventResponse, _ error) {
			panic("secret-value")
		}), m))
		w.awaitDone(number)
		if logs.FilterMessageSnippet("panicked").Len() != 1 || logs.FilterMessageSnippet("discarded").Len() != 1 {
			t.Errorf("logged %+v", logs.All())
		}
		for _, entry := range logs.All() {
			if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, "secret") {
				t.Errorf("the log has data: %s", text)
			}
		}
	})
}

// What gives up when its context ends may return nil all the same.
func TestADestinationThatAnswersAfterItsWorkersTimeHasTakenNothing(t *testing.T) {
	bubble(t, func(w *world) {
		called := make(chan struct{}, 10)
		m := w.mapping()
		m.MaximumRetryAttempts = NoRetries
		m.OnFailure = DestinationFunc(func(ctx context.Context, _ *InvocationRecord) error {
			called <- struct{}{}
			<-ctx.Done()
			return nil
		})
		m.TumblingWindow = time.Minute
		fn := func(_ context.Context, e WindowEvent) (r WindowResponse, err error) {
			if r.State = (State{"n": []byte("1")}); e.IsFinalInvokeForWindow {
				err = errBad
			}
			return r, err
		}
		stop := w.startWith(consumer.Config{Handler: handler(w, fn, m), ShutdownTimeout: time.Second})
		number := w.put("a")[0]
		<-called
		stop()
		if w.position().Covers(number, 0) || w.tally.of("delivered") > 0 {
			t.Errorf("the position is %v, %d messages count as delivered", w.position(), w.tally.of("delivered"))
		}
	})
}
