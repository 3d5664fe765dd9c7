package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/kinesistest"
)

func (r *rig) register() *string {
	r.Helper()
	stream, err := r.client.DescribeStreamSummary(r.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
	r.must(err)
	out, err := r.client.RegisterStreamConsumer(r.Context(), &kinesis.RegisterStreamConsumerInput{
		StreamARN: stream.StreamDescriptionSummary.StreamARN, ConsumerName: aws.String("reader")})
	r.must(err)
	return out.Consumer.ConsumerARN
}

func (r *rig) subscribe(ctx context.Context, c *Choice, consumer *string) (*Subscription, error) {
	return Subscribe(ctx, c, r.client, &kinesis.SubscribeToShardInput{ConsumerARN: consumer, ShardId: aws.String(shard),
		StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}})
}

// inBothProtocols runs a test in virtual time, once for each protocol.
func inBothProtocols(t *testing.T, f func(r *rig, c *Choice)) {
	for _, p := range bothProtocols {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(newRig(t), NewChoice(p, nil)) })
		})
	}
}

func TestASubscriptionDeliversUntilTheServiceEndsIt(t *testing.T) {
	inBothProtocols(t, func(r *rig, c *Choice) {
		_, err := r.put(c, []byte{0, 255}, []byte(strings.Repeat("x", 100_000)))
		r.must(err)
		consumer := r.register()
		synctest.Wait() // what the calls before have started ends
		before := runtime.NumGoroutine()
		sub, err := r.subscribe(r.Context(), c, consumer)
		r.must(err)
		began, events, records := time.Now(), 0, 0
		for {
			event, err := sub.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					r.Error(err)
				}
				break
			}
			if events++; aws.ToString(event.ContinuationSequenceNumber) == "" {
				r.Error("no continuation")
			}
			if records += len(event.Records); len(event.Records) == 2 {
				if string(event.Records[0].Data) != "\x00\xff" || len(event.Records[1].Data) != 100_000 || aws.ToString(event.Records[1].PartitionKey) != "key-1" {
					r.Errorf("record %+v", event.Records[0])
				}
				// One for the handler of the emulator, none here.
				synctest.Wait()
				if more := runtime.NumGoroutine() - before; more > 1 {
					r.Errorf("%d goroutines for a subscription", more)
				}
			}
		}
		if took := time.Since(began); took != 5*time.Minute || records != 2 || events < 10 {
			r.Errorf("%d records in %d events within %v", records, events, took)
		}
		if _, err := sub.Next(); !errors.Is(err, io.EOF) {
			r.Errorf("Next after the end: %v", err)
		}
	})
}

func TestTheEndOfAShardIsAnEventAndThenTheEnd(t *testing.T) {
	inBothProtocols(t, func(r *rig, c *Choice) {
		_, err := r.put(c, []byte("x"))
		r.must(err)
		consumer := r.register()
		_, err = r.client.SplitShard(r.Context(), &kinesis.SplitShardInput{StreamName: r.stream, ShardToSplit: aws.String(shard),
			NewStartingHashKey: aws.String("170141183460469231731687303715884105728")})
		r.must(err)
		sub, err := r.subscribe(r.Context(), c, consumer)
		r.must(err)
		event, err := sub.Next()
		r.must(err)
		if len(event.Records) != 1 || event.ContinuationSequenceNumber != nil || len(event.ChildShards) != 2 {
			r.Errorf("%+v", event)
		}
		if _, err := sub.Next(); !errors.Is(err, io.EOF) {
			r.Error(err)
		}
	})
}

func TestABrokenSubscriptionSaysHow(t *testing.T) {
	for name, tc := range map[string]struct {
		do   kinesistest.Effect
		good func(error) bool
	}{
		"truncated": {kinesistest.Truncate(2), func(err error) bool {
			return errors.Is(err, ErrFrame) && errors.Is(err, io.ErrUnexpectedEOF)
		}},
		"corrupt": {kinesistest.Corrupt(2), func(err error) bool { return errors.Is(err, ErrFrame) }},
		"exception": {kinesistest.FailLate(2, "InternalFailureException", "sorry"), func(err error) bool {
			var internal *types.InternalFailureException
			return errors.As(err, &internal) && internal.ErrorMessage() == "sorry"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBothProtocols(t, func(r *rig, c *Choice) {
				fault := r.server.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Count: 1, Do: tc.do})
				sub, err := r.subscribe(r.Context(), c, r.register())
				r.must(err)
				events := 0
				for ; err == nil; events++ {
					_, err = sub.Next()
				}
				if events != 3 || !tc.good(err) || fault.Fired() != 1 {
					r.Errorf("after %d events: %v", events-1, err)
				}
			})
		})
	}
}

func TestASecondSubscriptionIsRefusedAsTheServiceDoes(t *testing.T) {
	inBothProtocols(t, func(r *rig, c *Choice) {
		consumer := r.register()
		sub, err := r.subscribe(r.Context(), c, consumer)
		r.must(err)
		defer sub.Close()
		var busy *types.ResourceInUseException
		if _, err := r.subscribe(r.Context(), c, consumer); !errors.As(err, &busy) {
			r.Error(err)
		}
		var missing *types.ResourceNotFoundException
		if _, err := r.subscribe(r.Context(), c, aws.String(*consumer+"0")); !errors.As(err, &missing) {
			r.Error(err)
		}
	})
}

func TestCloseAndTheContextEndANextThatWaits(t *testing.T) {
	inBothProtocols(t, func(r *rig, c *Choice) {
		r.server.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Do: kinesistest.Silence(1)})
		consumer := r.register()
		sub, err := r.subscribe(r.Context(), c, consumer)
		r.must(err)
		_, err = sub.Next()
		r.must(err)
		time.AfterFunc(time.Hour, sub.Close)
		if _, err := sub.Next(); !errors.Is(err, ErrClosed) {
			r.Errorf("after Close: %v", err)
		}
		sub.Close()

		ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
		defer cancel()
		sub, err = r.subscribe(ctx, c, consumer)
		r.must(err)
		_, err = sub.Next()
		r.must(err)
		if _, err := sub.Next(); !errors.Is(err, context.DeadlineExceeded) {
			r.Errorf("after the context: %v", err)
		}
		sub.Close()
	})
}

func TestASubscriptionFallsBackToJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, err := r.put(NewChoice(JSON, nil), []byte("x"))
		r.must(err)
		consumer := r.register()
		server := &onlyJSON{next: r.server.HTTPClient().Transport, answer: refusals["not JSON"]}
		r.client = kinesis.New(r.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: server} })
		c := NewChoice(CBOR, nil)
		sub, err := r.subscribe(t.Context(), c, consumer)
		r.must(err)
		defer sub.Close()
		event, err := sub.Next()
		r.must(err)
		if len(event.Records) != 1 || c.Protocol() != JSON {
			t.Errorf("%d records, now %v", len(event.Records), c.Protocol())
		}
	})
}

// stream plays a reply that is an event stream.
func stream(frames ...[]byte) *script {
	return &script{replies: []reply{{status: 200, contentType: "application/vnd.amazon.eventstream", body: slices.Concat(frames...), unsized: true}}}
}

func initial(t testing.TB) []byte {
	return framed(t, []byte("\xa0"), ":message-type", "event", ":event-type", eventInitial, ":content-type", contentTypeCBOR)
}

func TestStreamsThatBeginWronglyAreTypedErrors(t *testing.T) {
	good := initial(t)
	corrupt := slices.Clone(good)
	corrupt[len(corrupt)-6] ^= 1
	for name, tc := range map[string]struct {
		frames []byte
		want   string
	}{
		"empty":              {nil, "before the initial response"},
		"cut off":            {good[:20], "cut off"},
		"corrupt":            {corrupt, "checksum"},
		"another event":      {framed(t, nil, ":message-type", "event", ":event-type", eventRecords), "does not begin"},
		"malformed":          {framed(t, []byte("\xa1"), ":message-type", "event", ":event-type", eventInitial, ":content-type", contentTypeCBOR), "malformed"},
		"broken headers":     {framed(t, nil, ":message-type", "event")[:0], "before the initial"},
		"claims too much":    {claims(t, maxFrame+1), "too long"},
		"claims too little":  {claims(t, 3), "contradict"},
		"HTML":               {[]byte("<html><body>log in</body></html>"), "checksum of the lengths"},
		"exception at first": {framed(t, []byte("\xa1\x67message\x61m"), ":message-type", "exception", ":exception-type", "ResourceInUseException", ":content-type", contentTypeCBOR), "ResourceInUseException: m"},
	} {
		r := &rig{T: t, client: stream(tc.frames).client()}
		_, err := r.subscribe(t.Context(), NewChoice(CBOR, nil), aws.String("arn"))
		var api smithy.APIError
		var unreadable *smithy.DeserializationError
		if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, ErrFrame) && !errors.As(err, &api) && !errors.As(err, &unreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// claims is a prelude, sound in itself, of a frame of n bytes.
func claims(t testing.TB, n uint32) []byte {
	f := framed(t, nil)
	return append(prelude(n, 0), f[preludeLen:]...)
}

func TestEventsThatNobodyKnowsArePassedOverAndBadOnesEndTheStream(t *testing.T) {
	event := func(payload string, headers ...string) []byte {
		return framed(t, []byte(payload), append([]string{":message-type", "event", ":content-type", contentTypeCBOR}, headers...)...)
	}
	for name, tc := range map[string]struct {
		bad  []byte
		want error
	}{
		"malformed":               {event("\xa1\x67Records\x01", ":event-type", eventRecords), ErrMalformed},
		"empty":                   {event("", ":event-type", eventRecords), ErrMalformed},
		"malformed JSON":          {framed(t, []byte("{"), ":message-type", "event", ":event-type", eventRecords, ":content-type", contentTypeJSON), nil},
		"null in JSON":            {framed(t, []byte("null"), ":message-type", "event", ":event-type", eventRecords, ":content-type", contentTypeJSON), io.ErrUnexpectedEOF},
		"an unknown message":      {framed(t, nil, ":message-type", "gossip"), ErrFrame},
		"an exception of no type": {framed(t, nil, ":message-type", "exception"), ErrFrame},
		"an error":                {framed(t, nil, ":message-type", "error", ":error-code", "Boo", ":error-message", "m"), &smithy.GenericAPIError{Code: "Boo", Message: "m"}},
	} {
		s := stream(initial(t), event("\xa0", ":event-type", "SomethingNew"), event("\xa1\x72MillisBehindLatest\x07", ":event-type", eventRecords), tc.bad,
			event("\xa0", ":event-type", eventRecords))
		r := &rig{T: t, client: s.client()}
		sub, err := r.subscribe(t.Context(), NewChoice(CBOR, nil), aws.String("arn"))
		r.must(err)
		first, err := sub.Next()
		if err != nil || aws.ToInt64(first.MillisBehindLatest) != 7 {
			t.Fatalf("%s: %v, %v", name, first, err)
		}
		_, err = sub.Next()
		var api, wantAPI *smithy.GenericAPIError
		switch {
		case err == nil, errors.Is(err, io.EOF), tc.want != nil && !errors.As(tc.want, &wantAPI) && !errors.Is(err, tc.want):
			t.Errorf("%s: %v", name, err)
		case wantAPI != nil && (!errors.As(err, &api) || *api != *wantAPI):
			t.Errorf("%s: %v", name, err)
		}
		if _, again := sub.Next(); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("%s: Next again: %v", name, again)
		}
	}
}

// deaf is a stand-in for a client that does not pass on the options of a call.
type deaf struct{ *kinesis.Client }

func (d deaf) SubscribeToShard(ctx context.Context, in *kinesis.SubscribeToShardInput, _ ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error) {
	return d.Client.SubscribeToShard(ctx, in)
}

func TestAClientThatIgnoresOptionsIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		_, err := Subscribe(t.Context(), NewChoice(CBOR, nil), deaf{r.client}, &kinesis.SubscribeToShardInput{ConsumerARN: r.register(), ShardId: aws.String(shard),
			StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}})
		if !errors.Is(err, ErrNoStream) {
			t.Error(err)
		}
	})
}
