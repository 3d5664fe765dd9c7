package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
)

const (
	testARN   = "arn:aws:kinesis:us-east-1:123456789012:stream/orders"
	testShard = "shardId-000000000003"
)

var arrived = time.UnixMilli(1_700_000_000_987)

// event makes an event of records with these data; sequence numbers count up from 101.
func event(data ...[]byte) events.KinesisEvent {
	var e events.KinesisEvent
	for i, d := range data {
		number := strconv.Itoa(101 + i)
		e.Records = append(e.Records, events.KinesisEventRecord{
			AwsRegion: "us-east-1", EventID: testShard + ":" + number, EventName: "aws:kinesis:record", EventSource: "aws:kinesis",
			EventSourceArn: testARN, EventVersion: "1.0", InvokeIdentityArn: "arn:aws:iam::123456789012:role/reader",
			Kinesis: events.KinesisRecord{
				ApproximateArrivalTimestamp: events.SecondsEpochTime{Time: arrived}, Data: d, PartitionKey: "key", SequenceNumber: number,
				KinesisSchemaVersion: "1.0",
			},
		})
	}
	return e
}

// packed makes an aggregate of records with these data.
func packed(t testing.TB, texts ...string) []byte {
	t.Helper()
	var e aggregation.Encoder
	for _, text := range texts {
		if err := e.Add("of-"+text, "", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return e.AppendTo(nil)
}

// picky is a handler that fails at the records it is told to, and acknowledges those before.
type picky struct {
	seen    []consumer.Record
	batches []int
	bad     map[string]error
}

var errBad = errors.New("the handler cannot")

func (p *picky) Handle(_ context.Context, b *consumer.Batch) error {
	p.batches = append(p.batches, len(b.Records))
	for i, r := range b.Records {
		p.seen = append(p.seen, r)
		switch err := p.bad[string(r.Data)]; {
		case errors.Is(err, consumer.ErrPanic):
			panic("the value of the panic")
		case err != nil:
			return err
		}
		b.Ack(i + 1)
	}
	return nil
}

func (p *picky) texts() (texts []string) {
	for _, r := range p.seen {
		texts = append(texts, string(r.Data))
	}
	return texts
}

func failsAt(texts ...string) *picky {
	p := &picky{bad: make(map[string]error)}
	for _, text := range texts {
		p.bad[text] = errBad
	}
	return p
}

// throughJSON sends an event the way that the service does, and returns the answer as the service sees it.
func throughJSON[In, Out any](t *testing.T, fn func(context.Context, In) (Out, error), e any) (answer string, err error) {
	t.Helper()
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		t.Fatal(err)
	}
	out, err := fn(t.Context(), in)
	text, marshalling := json.Marshal(out)
	if marshalling != nil {
		t.Fatal(marshalling)
	}
	return string(text), err
}

func TestAnEventIsHandledAsABatchOfUserRecords(t *testing.T) {
	h := failsAt()
	answer, err := throughJSON(t, Wrap(h), event([]byte("a"), packed(t, "b", "c"), []byte("d")))
	if err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	if got := h.texts(); !slices.Equal(got, []string{"a", "b", "c", "d"}) || !slices.Equal(h.batches, []int{4}) {
		t.Errorf("handled %q in batches of %v", got, h.batches)
	}
	if r := h.seen[2]; !r.Aggregated || r.PartitionKey != "of-c" || r.SequenceNumber != "102" || r.SubSequence != 1 {
		t.Errorf("a member is %+v", r)
	}
	if r := h.seen[0]; r.Aggregated || r.PartitionKey != "key" || !r.ApproximateArrival.Equal(arrived) {
		t.Errorf("a plain record is %+v", r)
	}
}

func TestTheBatchKnowsItsShard(t *testing.T) {
	var shard consumer.Shard
	h := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		shard = b.Shard
		return nil
	})
	if _, err := Wrap(h)(t.Context(), event([]byte("a"))); err != nil {
		t.Fatal(err)
	}
	if shard.Stream != "orders" || shard.ID != testShard {
		t.Errorf("shard %+v", shard)
	}
}

func TestAFailureIsTheNumberOfOneKinesisRecord(t *testing.T) {
	cases := map[string]struct {
		bad    []string
		answer string
	}{
		"plain record":              {[]string{"d"}, `{"batchItemFailures":[{"itemIdentifier":"103"}]}`},
		"first member":              {[]string{"b"}, `{"batchItemFailures":[{"itemIdentifier":"102"}]}`},
		"last member":               {[]string{"c"}, `{"batchItemFailures":[{"itemIdentifier":"102"}]}`},
		"several: the first counts": {[]string{"d", "c"}, `{"batchItemFailures":[{"itemIdentifier":"102"}]}`},
	}
	for name, c := range cases {
		answer, err := throughJSON(t, Wrap(failsAt(c.bad...)), event([]byte("a"), packed(t, "b", "c"), []byte("d")))
		if err != nil || answer != c.answer {
			t.Errorf("%s: answer %s, error %v", name, answer, err)
		}
	}
}

func TestAFailureOfTheFirstRecordIsOneOfTheWholeEvent(t *testing.T) {
	for _, bad := range []string{"a", "b"} {
		answer, err := throughJSON(t, Wrap(failsAt(bad)), event(packed(t, "a", "b"), []byte("c")))
		var fault *RecordError
		if !errors.As(err, &fault) || !errors.Is(err, errBad) || fault.SequenceNumber != "101" {
			t.Errorf("%s: error %v", bad, err)
		}
		if strings.Contains(answer, `"itemIdentifier"`) {
			t.Errorf("%s: answer %s", bad, answer)
		}
	}
}

func TestWithoutPartialFailuresEveryFailureIsAnError(t *testing.T) {
	_, err := Wrap(failsAt("c"), WithoutPartialFailures())(t.Context(), event([]byte("a"), []byte("b"), []byte("c")))
	if !errors.Is(err, errBad) {
		t.Errorf("error %v", err)
	}
}

func TestAPanicIsAFailureOfItsRecord(t *testing.T) {
	h := failsAt()
	h.bad["b"] = consumer.ErrPanic
	var told *RecordError
	answer, err := throughJSON(t, Wrap(h, OnFailure(func(_ context.Context, e *RecordError) { told = e })), event([]byte("a"), []byte("b")))
	if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"102"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	if !errors.Is(told, consumer.ErrPanic) || strings.Contains(told.Error(), "the value of the panic") {
		t.Errorf("told %v", told)
	}
}

func TestAHandlerThatAcknowledgedAllHasDoneAll(t *testing.T) {
	h := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		b.Ack(len(b.Records))
		return errBad
	})
	answer, err := throughJSON(t, Wrap(h), event([]byte("a"), []byte("b")))
	if err != nil || answer != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
}

func TestAHandlerMayReorderItsBatch(t *testing.T) {
	h := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		slices.Reverse(b.Records)
		b.Ack(1) // the first as delivered
		return errBad
	})
	answer, err := throughJSON(t, Wrap(h), event([]byte("a"), []byte("b"), []byte("c")))
	if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"102"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
}

func TestLargeEventsAreHandledInSeveralBatches(t *testing.T) {
	h := failsAt("8")
	var texts []string
	for i := range 10 {
		texts = append(texts, strconv.Itoa(i))
	}
	e := event(packed(t, texts[:5]...), []byte(texts[5]), packed(t, texts[6:]...))
	answer, err := throughJSON(t, Wrap(h, WithMaxBatchRecords(4)), e)
	if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"103"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	if !slices.Equal(h.batches, []int{4, 4, 2}) || !slices.Equal(h.texts(), texts[:9]) {
		t.Errorf("batches %v, records %q", h.batches, h.texts())
	}
}

// shaped is a handler with wishes.
type shaped struct {
	*picky
	shape consumer.Shape
}

func (s shaped) Shape() consumer.Shape { return s.shape }

func TestAHandlersShapeCountsOnLambdaToo(t *testing.T) {
	whole := packed(t, "b", "c")
	h := shaped{failsAt("d"), consumer.Shape{Raw: true, MaxRecords: 2}}
	answer, err := throughJSON(t, Wrap(h), event([]byte("a"), whole, []byte("d")))
	if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"103"}]}` {
		t.Errorf("answer %s, error %v", answer, err)
	}
	if !slices.Equal(h.batches, []int{2, 1}) || string(h.seen[1].Data) != string(whole) {
		t.Errorf("batches %v", h.batches)
	}
}

func TestAHandlersLimitsOfItsBatchesCountOnLambdaToo(t *testing.T) {
	large := strings.Repeat("x", 40)
	for name, test := range map[string]struct {
		shape consumer.Shape
		want  []int
	}{ // with its key a member of an aggregate has 5 bytes, a plain record 2, and the large one 41
		"bytes":             {consumer.Shape{MaxBytes: 12}, []int{2, 2, 3, 1, 2}},
		"bytes and records": {consumer.Shape{MaxBytes: 12, MaxRecords: 2}, []int{2, 2, 2, 1, 1, 2}},
		"a byte":            {consumer.Shape{MaxBytes: 1}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		"no limit":          {consumer.Shape{}, []int{10}},
	} {
		e := event(packed(t, "0", "1", "2", "3", "4"), []byte("5"), packed(t, "6"), []byte(large), packed(t, "8", "9"))
		for i := range e.Records {
			e.Records[i].Kinesis.PartitionKey = "k"
		}
		h := shaped{failsAt("9"), test.shape}
		answer, err := throughJSON(t, Wrap(h), e)
		if err != nil || answer != `{"batchItemFailures":[{"itemIdentifier":"105"}]}` {
			t.Errorf("%s: answer %s, error %v", name, answer, err)
		}
		if want := []string{"0", "1", "2", "3", "4", "5", "6", large, "8", "9"}; !slices.Equal(h.batches, test.want) || !slices.Equal(h.texts(), want) {
			t.Errorf("%s: batches %v, records %q", name, h.batches, h.texts())
		}
	}
}

func TestTheHandlersTimeEndsBeforeTheInvocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		h := consumer.HandlerFunc(func(ctx context.Context, b *consumer.Batch) error {
			b.Ack(1)
			<-ctx.Done()
			return context.Cause(ctx)
		})
		var told *RecordError
		fn := Wrap(h, WithMargin(time.Second), OnFailure(func(_ context.Context, e *RecordError) { told = e }))
		res, err := fn(ctx, event([]byte("a"), []byte("b")))
		if err != nil || len(res.BatchItemFailures) != 1 || res.BatchItemFailures[0].ItemIdentifier != "102" {
			t.Errorf("answer %v, error %v", res, err)
		}
		if took := time.Since(began); took != 2*time.Second || !errors.Is(told, ErrDeadline) {
			t.Errorf("after %v: %v", took, told)
		}
	})
}

func TestNilThatComesAfterTheHandlersTimeIsOverIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		h := consumer.HandlerFunc(func(ctx context.Context, b *consumer.Batch) error {
			b.Ack(1)
			<-ctx.Done()
			return nil
		})
		var told *RecordError
		fn := Wrap(h, OnFailure(func(_ context.Context, e *RecordError) { told = e }))
		res, err := fn(ctx, event([]byte("a"), []byte("b")))
		if err != nil || len(res.BatchItemFailures) != 1 || res.BatchItemFailures[0].ItemIdentifier != "102" || !errors.Is(told, ErrDeadline) {
			t.Errorf("answer %v, error %v; %v", res, err, told)
		}
	})
}

func TestTheMarginLeavesHalfOfAShortTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		h := consumer.HandlerFunc(func(ctx context.Context, _ *consumer.Batch) error {
			if deadline, _ := ctx.Deadline(); time.Until(deadline) != 50*time.Millisecond {
				t.Errorf("%v left", time.Until(deadline))
			}
			return nil
		})
		if _, err := Wrap(h)(ctx, event([]byte("a"))); err != nil {
			t.Error(err)
		}
	})
}

func TestNoBatchBeginsWhenTheTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		calls := 0
		h := consumer.HandlerFunc(func(ctx context.Context, b *consumer.Batch) error {
			calls++
			<-ctx.Done()
			b.Ack(1) // done all the same
			return nil
		})
		res, err := Wrap(h, WithMaxBatchRecords(1))(ctx, event([]byte("a"), []byte("b")))
		if err != nil || calls != 1 || len(res.BatchItemFailures) != 1 || res.BatchItemFailures[0].ItemIdentifier != "102" {
			t.Errorf("%d calls, answer %v, error %v", calls, res, err)
		}
	})
}

func TestEventsThatAreNotOfOneShardInOrderAreRefused(t *testing.T) {
	cases := map[string]func(e *events.KinesisEvent){
		"no sequence number": func(e *events.KinesisEvent) { e.Records[1].Kinesis.SequenceNumber = "" },
		"two shards":         func(e *events.KinesisEvent) { e.Records[1].EventID = "shardId-000000000004:102" },
		"two streams":        func(e *events.KinesisEvent) { e.Records[1].EventSourceArn += "2" },
		"out of order":       func(e *events.KinesisEvent) { e.Records[1].Kinesis.SequenceNumber = "99" },
	}
	for name, spoil := range cases {
		h := failsAt()
		e := event([]byte("a"), []byte("b"))
		spoil(&e)
		if _, err := Wrap(h)(t.Context(), e); !errors.Is(err, ErrEvent) || len(h.seen) > 0 {
			t.Errorf("%s: error %v, handled %d", name, err, len(h.seen))
		}
	}
}

func TestAnEventWithoutRecordsIsNoWork(t *testing.T) {
	h := failsAt()
	if answer, err := throughJSON(t, Wrap(h), events.KinesisEvent{}); err != nil || answer != `{"batchItemFailures":[]}` || h.batches != nil {
		t.Errorf("answer %s, error %v, batches %v", answer, err, h.batches)
	}
}

func TestANilHandlerIsAnErrorOfEachInvocation(t *testing.T) {
	if _, err := Wrap(nil)(t.Context(), event([]byte("a"))); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if _, err := WrapWindow(nil)(t.Context(), WindowEvent{}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

func TestAMalformedAggregateIsHandledWholeAndReported(t *testing.T) {
	empty := packed(t, "a")
	// An aggregate that says of itself that it is one, and holds no records: its checksum is right.
	broken := reseal(empty[:4])
	var told *consumer.AggregateError
	h := failsAt()
	_, err := Wrap(h, OnMalformedAggregate(func(e *consumer.AggregateError) { told = e }))(t.Context(), event([]byte("x"), broken))
	if err != nil || len(h.seen) != 2 || string(h.seen[1].Data) != string(broken) || h.seen[1].Aggregated {
		t.Errorf("error %v, handled %d", err, len(h.seen))
	}
	if told == nil || told.SequenceNumber != "102" || told.Shard.ID != testShard {
		t.Errorf("told %v", told)
	}
}

func TestErrorsTellWhereAndWhy(t *testing.T) {
	err := &RecordError{Shard: consumer.Shard{Stream: "orders", ID: "shardId-7"}, SequenceNumber: "12", SubSequence: 3, Cause: errBad}
	want := "kinesislambda: a record was not handled: stream orders, shard shardId-7, record 12/3: the handler cannot"
	if err.Error() != want || !errors.Is(err, ErrRecord) {
		t.Errorf("%v", err)
	}
	config := &ConfigError{Field: "Mapping.BatchSize", Reason: "is 0"}
	if fmt.Sprint(config) != "kinesislambda: Mapping.BatchSize: is 0" || !errors.Is(config, ErrConfig) {
		t.Errorf("%v", config)
	}
}
