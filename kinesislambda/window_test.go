package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/consumer"
)

// counter counts records by their text, and fails at the bad ones.
type counter struct {
	bad    map[string]bool
	ack    bool
	closed []string
}

func (c *counter) HandleWindow(_ context.Context, b *consumer.Batch, w *Window) error {
	if w.Final || w.TerminatedEarly {
		text, err := json.Marshal(w.State)
		c.closed = append(c.closed, w.Start.Format(time.RFC3339)+" "+string(text))
		if err == nil && c.bad["close"] {
			err = errBad
		}
		return err
	}
	for i, r := range b.Records {
		n, _ := strconv.Atoi(string(w.State["n"]))
		w.State["n"] = json.RawMessage(strconv.Itoa(n + 1))
		if c.bad[string(r.Data)] {
			return errBad
		}
		if c.ack {
			b.Ack(i + 1)
		}
	}
	return nil
}

func windowEvent(data ...[]byte) WindowEvent {
	start := time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC)
	return WindowEvent{
		KinesisEvent: event(data...), ShardID: testShard, EventSourceARN: testARN, State: State{"n": json.RawMessage("282")},
		Window: events.Window{Start: events.RFC3339EpochTime{Time: start}, End: events.RFC3339EpochTime{Time: start.Add(2 * time.Minute)}},
	}
}

func TestAWindowsStateGoesFromCallToCall(t *testing.T) {
	answer, err := throughJSON(t, WrapWindow(&counter{}, WithMaxBatchRecords(1)), windowEvent([]byte("a"), packed(t, "b", "c")))
	if err != nil || answer != `{"state":{"n":285},"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
}

func TestAnAnswerAlwaysHasAState(t *testing.T) {
	h := WindowHandlerFunc(func(_ context.Context, _ *consumer.Batch, w *Window) error {
		w.State = nil
		return nil
	})
	e := windowEvent([]byte("a"))
	e.State = nil
	for _, data := range [][][]byte{nil, {[]byte("a")}} {
		e.KinesisEvent = event(data...)
		if answer, err := throughJSON(t, WrapWindow(h), e); err != nil || answer != `{"state":{},"batchItemFailures":[]}` {
			t.Errorf("answer %s, error %v", answer, err)
		}
	}
}

func TestTheFinalInvocationClosesTheWindow(t *testing.T) {
	c := &counter{}
	e := windowEvent()
	e.IsFinalInvokeForWindow = true
	if answer, err := throughJSON(t, WrapWindow(c), e); err != nil || answer != `{"state":{"n":282},"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	e = windowEvent([]byte("a")) // with a last record
	e.IsFinalInvokeForWindow = true
	if _, err := throughJSON(t, WrapWindow(c), e); err != nil {
		t.Error(err)
	}
	if len(c.closed) != 2 || c.closed[0] != `2026-03-04T05:06:00Z {"n":282}` || c.closed[1] != `2026-03-04T05:06:00Z {"n":283}` {
		t.Errorf("closed %q", c.closed)
	}
}

func TestAWindowThatCannotBeClosedIsAFailure(t *testing.T) {
	e := windowEvent([]byte("a"))
	e.IsWindowTerminatedEarly = true
	if _, err := throughJSON(t, WrapWindow(&counter{bad: map[string]bool{"close": true}}), e); !errors.Is(err, errBad) {
		t.Errorf("error %v", err)
	}
}

func TestTheStateOfAFailureIsThatOfWhatIsDone(t *testing.T) {
	e := windowEvent([]byte("a"), []byte("b"), []byte("c"))
	// Two batches succeeded; what the third one has put into the state does not count.
	answer, err := throughJSON(t, WrapWindow(&counter{bad: map[string]bool{"c": true}}, WithMaxBatchRecords(1)), e)
	if err != nil || answer != `{"state":{"n":284},"batchItemFailures":[{"itemIdentifier":"103"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	// A handler that acknowledges answers for the state itself.
	answer, err = throughJSON(t, WrapWindow(&counter{bad: map[string]bool{"c": true}, ack: true}), e)
	if err != nil || answer != `{"state":{"n":285},"batchItemFailures":[{"itemIdentifier":"103"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	// Nothing done: the service keeps the state that it has.
	if _, err = throughJSON(t, WrapWindow(&counter{bad: map[string]bool{"a": true}}), e); !errors.Is(err, errBad) {
		t.Errorf("error %v", err)
	}
}
