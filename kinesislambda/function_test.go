package kinesislambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/penstock-go/penstock/consumer"
)

// invoker is a lambda.Handler.
type invoker func(context.Context, []byte) ([]byte, error)

func (f invoker) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

type (
	event2   = events.KinesisEvent
	response = events.KinesisEventResponse
	named    func(context.Context, events.KinesisEvent) error
)

// handle makes a handler of a function and calls it with two records.
func handleTwo[F Func](t *testing.T, fn F) (*consumer.Batch, error) {
	t.Helper()
	h, err := Handler(fn, Mapping{ReportBatchItemFailures: true})
	if err != nil {
		t.Fatal(err)
	}
	b := consumer.NewBatch(consumer.Shard{Stream: "orders", ID: testShard}, []consumer.Record{
		{SequenceNumber: "101", PartitionKey: "k<", Data: []byte("one"), ApproximateArrival: arrived},
		{SequenceNumber: "102", Data: []byte("two"), ApproximateArrival: arrived},
	})
	return b, h.Handle(t.Context(), b)
}

func TestEveryShapeOfFunctionIsCalled(t *testing.T) {
	calls, seen := 0, ""
	note := func(texts string) { calls++; seen = texts }
	check := func(shape string, wantSeen bool, b *consumer.Batch, err error) {
		t.Helper()
		if err != nil || calls != 1 || wantSeen && seen != "one two" || b.Acked() != 2 {
			t.Errorf("%s: error %v, called %d times, saw %q, %d done", shape, err, calls, seen, b.Acked())
		}
		calls, seen = 0, ""
	}
	try := func(shape string, wantSeen bool, f func() (*consumer.Batch, error)) {
		t.Helper()
		b, err := f()
		check(shape, wantSeen, b, err)
	}
	try("()", false, func() (*consumer.Batch, error) { return handleTwo(t, func() { note("") }) })
	try("() error", false, func() (*consumer.Batch, error) { return handleTwo(t, func() error { note(""); return nil }) })
	try("() (Out, error)", false, func() (*consumer.Batch, error) {
		return handleTwo(t, func() (response, error) { note(""); return response{}, nil })
	})
	try("(In)", true, func() (*consumer.Batch, error) { return handleTwo(t, func(e event2) { note(texts(e)) }) })
	try("(In) error", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(e event2) error { note(texts(e)); return nil })
	})
	try("(In) (Out, error)", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(e event2) (response, error) { note(texts(e)); return response{}, nil })
	})
	try("(ctx)", false, func() (*consumer.Batch, error) { return handleTwo(t, func(context.Context) { note("") }) })
	try("(ctx) error", false, func() (*consumer.Batch, error) {
		return handleTwo(t, func(context.Context) error { note(""); return nil })
	})
	try("(ctx) (Out, error)", false, func() (*consumer.Batch, error) {
		return handleTwo(t, func(context.Context) (*response, error) { note(""); return nil, nil })
	})
	try("(ctx, In)", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e event2) { note(texts(e)) })
	})
	try("(ctx, In) error", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e event2) error { note(texts(e)); return nil })
	})
	try("(ctx, In) (Out, error)", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e event2) (response, error) { note(texts(e)); return response{}, nil })
	})
	try("a pointer and an answer of any kind", true, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e *event2) (any, error) { note(texts(*e)); return nil, nil })
	})
	try("a map", false, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e map[string]any) error { note(""); _ = e["Records"].([]any)[1]; return nil })
	})
	try("a named type", true, func() (*consumer.Batch, error) {
		return handleTwo(t, named(func(_ context.Context, e event2) error { note(texts(e)); return nil }))
	})
	try("raw JSON to a reader", false, func() (*consumer.Batch, error) {
		return handleTwo(t, func(_ context.Context, e json.RawMessage) (io.Reader, error) {
			note("")
			return strings.NewReader("{}"), nil
		})
	})
	try("a lambda.Handler", true, func() (*consumer.Batch, error) {
		return handleTwo(t, invoker(func(_ context.Context, payload []byte) ([]byte, error) {
			var e event2
			err := json.Unmarshal(payload, &e)
			note(texts(e))
			return nil, err
		}))
	})
}

func TestErrorsAndAnswersOfEveryShapeCount(t *testing.T) {
	if b, err := handleTwo(t, func(*event2) error { return errBad }); !errors.Is(err, errBad) || b.Acked() != 0 {
		t.Errorf("%v, %d done", err, b.Acked())
	}
	b, err := handleTwo(t, func(event2) (map[string]any, error) {
		return map[string]any{"batchItemFailures": []map[string]string{{"itemIdentifier": "102"}}}, nil
	})
	if !errors.Is(err, ErrReported) || b.Acked() != 1 {
		t.Errorf("%v, %d done", err, b.Acked())
	}
}

func TestWhatIsNoFunctionForEventsIsRefused(t *testing.T) {
	refused := []error{
		refusal[any](nil), refusal((func(context.Context, event2) error)(nil)), refusal((func())(nil)), refusal(7), refusal("x"),
		refusal(func(string) {}), refusal(func(event2, event2) {}), refusal(func(context.Context, event2, int) {}),
		refusal(func(event2) response { return response{} }), refusal(func(event2) (a, b, c error) { return }),
		refusal(func(chan int) {}), refusal(func(io.Reader) {}), refusal(func(...event2) {}),
	}
	for i, err := range refused {
		if !errors.Is(err, ErrConfig) || !slices.Equal(faulty(err), []string{"Handler"}) {
			t.Errorf("case %d: %v", i, err)
		}
	}
}

func refusal[F Func](fn F) error {
	_, err := Handler(fn, Mapping{})
	return err
}

func TestAnEventLooksAsTheServiceMakesIt(t *testing.T) {
	var got string
	_, err := handleTwo(t, func(ctx context.Context, e json.RawMessage) error {
		got = string(e)
		lc, ok := lambdacontext.FromContext(ctx)
		if _, hasTime := ctx.Deadline(); !ok || !hasTime || lc.AwsRequestID == "" || !strings.HasPrefix(lc.InvokedFunctionArn, "arn:aws:lambda:us-east-1:") {
			t.Errorf("the function is told %+v", lc)
		}
		return nil
	})
	want := `{"Records":[{"awsRegion":"us-east-1","eventID":"shardId-000000000003:101","eventName":"aws:kinesis:record",` +
		`"eventSource":"aws:kinesis","eventSourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/orders","eventVersion":"1.0",` +
		`"invokeIdentityArn":"arn:aws:iam::000000000000:role/penstock","kinesis":{"approximateArrivalTimestamp":1700000000.987,` +
		`"data":"b25l","partitionKey":"k\u003c","sequenceNumber":"101","kinesisSchemaVersion":"1.0"}},`
	if err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("%v\n%s\nwant\n%s", err, got, want)
	}
}

func TestAFunctionMayKeepAndChangeItsEvent(t *testing.T) {
	data := []byte("one")
	h, err := Handler(func(_ context.Context, e event2) error {
		copy(e.Records[0].Kinesis.Data, "XXX")
		return errBad
	}, Mapping{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), consumer.NewBatch(consumer.Shard{}, []consumer.Record{{SequenceNumber: "1", Data: data}})); err == nil || string(data) != "one" {
		t.Errorf("%v; the record is now %q", err, data)
	}
}

func TestNoEventIsLargerThanTheServiceAllows(t *testing.T) {
	h := &mapped{Mapping: Mapping{TumblingWindow: 0, BatchSize: maxBatchSize}}
	s := consumer.Shard{Stream: strings.Repeat("s", 128), ID: testShard}
	s.ARN = "arn:aws-us-gov:kinesis:us-gov-west-1:123456789012:stream/" + s.Stream
	number := strings.Repeat("9", 56)
	for _, key := range []string{"k", strings.Repeat("k", 256), strings.Repeat("<", 256), strings.Repeat("\x01", 256), strings.Repeat("ü", 128)} {
		for _, size := range []int{0, 1, 2, 1000, 1 << 20} {
			r := consumer.Record{PartitionKey: key, SequenceNumber: number, Data: make([]byte, size), ApproximateArrival: arrived}
			payload, err := h.request(s, []consumer.Record{r, r}).payload()
			if err != nil {
				t.Fatal(err)
			}
			if got, most := len(payload), 2*h.Weigh(&r)+eventOverhead; got > most {
				t.Errorf("key %q, %d bytes of data: the event has %d bytes, not %d", key[:1], size, got, most)
			}
		}
	}
}

func TestAnswersMeanWhatTheServiceDocuments(t *testing.T) {
	records := []consumer.Record{{SequenceNumber: "101"}, {SequenceNumber: "102"}, {SequenceNumber: "103"}}
	cases := map[string]struct {
		done int
		kind error
	}{
		``:                           {3, nil},
		`null`:                       {3, nil},
		`{}`:                         {3, nil},
		`{"batchItemFailures":null}`: {3, nil},
		`{"batchItemFailures":[]}`:   {3, nil},
		`{"something":"else"}`:       {3, nil},
		`{"batchItemFailures":[{"itemIdentifier":"102"}]}`:                            {1, ErrReported},
		`{"batchItemFailures":[{"itemIdentifier":"103"},{"itemIdentifier":"102"}]}`:   {1, ErrReported},
		`{"batchItemFailures":[{"itemIdentifier":"102"},{"itemIdentifier":"103"}]}`:   {1, ErrReported},
		`{"batchItemFailures":[{"itemIdentifier":"101"}]}`:                            {0, ErrReported},
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                               {0, ErrAnswer},
		`{"batchItemFailures":[{"itemIdentifier":null}]}`:                             {0, ErrAnswer},
		`{"batchItemFailures":[{"identifier":"102"}]}`:                                {0, ErrAnswer},
		`{"batchItemFailures":[{"itemIdentifier":"999"}]}`:                            {0, ErrAnswer},
		`{"batchItemFailures":[{"itemIdentifier":"103"},{"itemIdentifier":"shard"}]}`: {0, ErrAnswer},
		`{"batchItemFailures":[{"itemIdentifier":"103"},{"itemIdentifier":""}]}`:      {0, ErrAnswer},
		`{"batchItemFailures":"102"}`:                                                 {0, ErrAnswer},
		`"a text"`:                                                                    {0, ErrAnswer},
		`{`:                                                                           {0, ErrAnswer},
	}
	for text, want := range cases {
		r := readReply([]byte(text))
		if done, err := r.done(records); done != want.done || !errors.Is(err, want.kind) || (err == nil) != (want.kind == nil) {
			t.Errorf("%s: %d done, %v", text, done, err)
		}
	}
}
