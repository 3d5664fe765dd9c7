package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"

	"github.com/penstock-go/penstock/kinesistest"
)

// rig is a stream of one shard on the emulator.
type rig struct {
	*testing.T
	server *kinesistest.Server
	client *kinesis.Client
	stream *string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, server: kinesistest.New(), stream: aws.String("orders")}
	t.Cleanup(func() { r.must(r.server.Close()) })
	r.client = kinesis.New(r.server.Kinesis().Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := r.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: r.stream, ShardCount: aws.Int32(1)})
	r.must(err)
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) put(c *Choice, data ...[]byte) (*kinesis.PutRecordsOutput, error) {
	in := &kinesis.PutRecordsInput{StreamName: r.stream}
	for i, d := range data {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: d, PartitionKey: aws.String(fmt.Sprint("key-", i))})
	}
	return Call(c, func(protocol func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
		return r.client.PutRecords(r.Context(), in, protocol)
	})
}

func (r *rig) read(c *Choice) []types.Record {
	r.Helper()
	it, err := Call(c, func(protocol func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
		return r.client.GetShardIterator(r.Context(), &kinesis.GetShardIteratorInput{StreamName: r.stream, ShardId: aws.String(shard),
			ShardIteratorType: types.ShardIteratorTypeTrimHorizon}, protocol)
	})
	r.must(err)
	out, err := Call(c, func(protocol func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
		return r.client.GetRecords(r.Context(), &kinesis.GetRecordsInput{ShardIterator: it.ShardIterator}, protocol)
	})
	r.must(err)
	return out.Records
}

const shard = "shardId-000000000000"

var bothProtocols = []Protocol{CBOR, JSON}

func TestWhatOneProtocolWritesTheOtherReads(t *testing.T) {
	r := newRig(t)
	var want [][]byte
	for i, p := range bothProtocols {
		batch := [][]byte{{}, {0, 255}, bytes.Repeat([]byte{byte(i)}, copyBelow), bytes.Repeat([]byte("x"), 100_000)}
		out, err := r.put(NewChoice(p, nil), batch...)
		r.must(err)
		if len(out.Records) != len(batch) || aws.ToString(out.Records[3].ShardId) != shard || aws.ToInt32(out.FailedRecordCount) != 0 {
			t.Errorf("%v: %+v", p, out)
		}
		want = append(want, batch...)
	}
	var times []time.Time
	for _, p := range bothProtocols {
		got := r.read(NewChoice(p, nil))
		if len(got) != len(want) {
			t.Fatalf("%v: %d records, want %d", p, len(got), len(want))
		}
		for i, rec := range got {
			if !bytes.Equal(rec.Data, want[i]) || aws.ToString(rec.PartitionKey) != fmt.Sprint("key-", i%4) || len(aws.ToString(rec.SequenceNumber)) != 56 {
				t.Errorf("%v: record %d: %d bytes, key %s", p, i, len(rec.Data), *rec.PartitionKey)
			}
		}
		times = append(times, *got[0].ApproximateArrivalTimestamp)
	}
	if d := times[0].Sub(times[1]).Abs(); d > time.Millisecond { // JSON's are floating seconds
		t.Errorf("arrived %v", times)
	}
}

func TestErrorsAreTheSameInBothProtocols(t *testing.T) {
	r := newRig(t)
	for _, p := range bothProtocols {
		_, err := Call(NewChoice(p, nil), func(protocol func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
			return r.client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("not one")}, protocol)
		})
		var invalid *types.InvalidArgumentException
		if !errors.As(err, &invalid) || invalid.ErrorMessage() == "" {
			t.Errorf("%v: %v", p, err)
		}
		r.server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Throttle()})
		_, err = r.put(NewChoice(p, nil), []byte("x"))
		var throttled *types.ProvisionedThroughputExceededException
		if !errors.As(err, &throttled) {
			t.Errorf("%v: %v", p, err)
		}
		r.server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Fail(500, "InternalFailure", "sorry")})
		_, err = r.put(NewChoice(p, nil), []byte("x"))
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "InternalFailure" || api.ErrorMessage() != "sorry" {
			t.Errorf("%v: %v", p, err)
		}
		for name, do := range map[string]kinesistest.Effect{"truncated": kinesistest.Truncate(0), "corrupt": kinesistest.Corrupt(0)} {
			r.server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: do})
			if _, err = r.put(NewChoice(p, nil), []byte("x")); err == nil || errors.Is(err, ErrRefused) {
				t.Errorf("%v, %s: %v", p, name, err)
			}
		}
	}
}

// onlyJSON is a server that does not speak CBOR: it answers as given, and leaves JSON to the next one.
type onlyJSON struct {
	next   http.RoundTripper
	answer reply
	mu     sync.Mutex
	inCBOR int
}

func (o *onlyJSON) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Content-Type") != contentTypeCBOR {
		return o.next.RoundTrip(r)
	}
	o.mu.Lock()
	o.inCBOR++
	o.mu.Unlock()
	return (&script{replies: []reply{o.answer}}).RoundTrip(r)
}

// refusals are answers of servers that do not understand CBOR.
var refusals = map[string]reply{
	"another media type":        {status: 415, contentType: "text/plain", body: []byte("Unsupported Media Type")},
	"not found":                 {status: 404, contentType: "text/html", body: []byte("<html>404</html>")},
	"unknown operation":         {status: 404, contentType: "application/x-amz-json-1.1", body: []byte(`{"__type":"UnknownOperationException"}`)},
	"in XML":                    {status: 404, contentType: "", body: []byte("<UnknownOperationException/>\n")},
	"not JSON":                  {status: 400, contentType: "application/x-amz-json-1.1", body: []byte(`{"__type":"SerializationException","Message":"start of structure or map found where not expected"}`)},
	"not JSON, told in CBOR":    {status: 400, contentType: contentTypeCBOR, body: []byte("\xa1\x66__type\x76SerializationException")},
	"a bad request without end": {status: 400, contentType: "text/plain", body: []byte("bad request")},
	"nothing said":              {status: 400},
}

func TestARefusedCallIsRepeatedInJSONWhichIsKept(t *testing.T) {
	for name, answer := range refusals {
		r := newRig(t)
		server := &onlyJSON{next: r.server.HTTPClient().Transport, answer: answer}
		r.client = kinesis.New(r.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: server} })
		var told []error
		c := NewChoice(CBOR, func(cause error) { told = append(told, cause) })
		for n := range 3 {
			if _, err := r.put(c, []byte(fmt.Sprint(n))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := r.read(c); len(got) != 3 || server.inCBOR != 1 || c.Protocol() != JSON {
			t.Errorf("%s: %d records, %d calls in CBOR, now %v", name, len(got), server.inCBOR, c.Protocol())
		}
		var refused *RefusedError
		if len(told) != 1 || !errors.As(told[0], &refused) || refused.Status != answer.status {
			t.Errorf("%s: told %v", name, told)
		}
	}
}

func TestWhatIsNoRefusalIsNotRepeated(t *testing.T) {
	for name, answer := range map[string]reply{
		"overload":           {status: 503, contentType: "text/html", body: []byte("<html>503</html>")},
		"failure":            {status: 500, contentType: contentTypeCBOR, body: []byte("\xa1\x66__type\x6fInternalFailure")},
		"failure in JSON":    {status: 500, contentType: "application/x-amz-json-1.1", body: []byte(`{"__type":"SerializationException"}`)},
		"forbidden":          {status: 403, contentType: "text/html", body: []byte("<html>403</html>")},
		"credentials":        {status: 400, contentType: "application/x-amz-json-1.1", body: []byte(`{"__type":"UnrecognizedClientException"}`)},
		"no such stream":     {status: 400, contentType: contentTypeCBOR, body: []byte("\xa1\x66__type\x78\x19ResourceNotFoundException")},
		"throttled in JSON":  {status: 400, contentType: "application/x-amz-json-1.1", body: []byte(`{"__type":"ProvisionedThroughputExceededException"}`)},
		"a page of a portal": {status: 200, contentType: "text/html", body: []byte("<html>log in</html>")},
	} {
		r := newRig(t)
		server := &onlyJSON{next: r.server.HTTPClient().Transport, answer: answer}
		r.client = kinesis.New(r.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: server} })
		c := NewChoice(CBOR, func(error) { t.Errorf("%s: fell back", name) })
		if _, err := r.put(c, []byte("x")); err == nil || errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if server.inCBOR != 1 || c.Protocol() != CBOR {
			t.Errorf("%s: %d calls in CBOR, now %v", name, server.inCBOR, c.Protocol())
		}
	}
}

// A refusal whose repetition fails as well proves nothing: the whole server may be the wrong one, for a while.
func TestCBORIsKeptWhereJSONIsNotUnderstoodEither(t *testing.T) {
	s := &script{replies: []reply{refusals["not found"]}}
	c := NewChoice(CBOR, func(error) { t.Error("fell back") })
	r := &rig{T: t, client: s.client(), stream: aws.String("orders")}
	if _, err := r.put(c, []byte("x")); err == nil {
		t.Error("no error")
	}
	if len(s.requests) != 2 || c.Protocol() != CBOR {
		t.Errorf("%d requests, now %v", len(s.requests), c.Protocol())
	}
}

// As in the AWS SDK for Java 1.x, where whatever is set and is not "false" switches it off.
func TestTheEnvironmentSwitchesCBOROff(t *testing.T) {
	t.Setenv(disableEnv, "") // what it was comes back at the end
	for value, want := range map[string]Protocol{"unset": CBOR, "false": CBOR, "False": CBOR, "": JSON, "true": JSON, "TRUE": JSON, "1": JSON, "yes": JSON} {
		t.Setenv(disableEnv, value)
		if value == "unset" {
			os.Unsetenv(disableEnv)
		}
		if got := NewChoice(CBOR, nil).Protocol(); got != want {
			t.Errorf("%s=%q: %v", disableEnv, value, got)
		}
	}
	if CBOR.String() != "cbor" || JSON.String() != "json" {
		t.Error("names")
	}
}

// The SDK's own retries read the body once more; it must still be there.
func TestTheSDKMayRepeatARequest(t *testing.T) {
	for _, p := range bothProtocols {
		r := newRig(t)
		fault := r.server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Fail(500, "InternalFailure", "sorry")})
		options := r.server.Kinesis().Options()
		r.client = kinesis.New(options)
		data := bytes.Repeat([]byte("z"), 3*copyBelow)
		_, err := r.put(NewChoice(p, nil), data)
		r.must(err)
		if got := r.read(NewChoice(p, nil)); fault.Fired() != 1 || len(got) != 1 || !bytes.Equal(got[0].Data, data) {
			t.Errorf("%v: %d records, %d faults", p, len(got), fault.Fired())
		}
	}
}

// slow is a transport that goes on reading a request's body when the call is over.
type slow struct {
	read chan []byte
	work sync.WaitGroup
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := make(chan struct{})
	s.work.Go(func() {
		first := make([]byte, 10)
		n, _ := r.Body.Read(first)
		close(begun)
		<-r.Context().Done()
		rest, _ := io.ReadAll(r.Body)
		s.read <- append(first[:n], rest...)
	})
	<-begun
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestALateReaderSeesNothingOfTheNextRequest(t *testing.T) {
	for _, p := range bothProtocols {
		r := newRig(t)
		s := &slow{read: make(chan []byte, 1)}
		client := kinesis.New(r.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: s} })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		secret := bytes.Repeat([]byte("secret"), copyBelow)
		_, err := Call(NewChoice(p, nil), func(protocol func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
			return client.PutRecords(ctx, &kinesis.PutRecordsInput{StreamName: r.stream, Records: []types.PutRecordsRequestEntry{
				{Data: secret, PartitionKey: aws.String("k")}}}, protocol)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		clear(secret) // the caller's again; the race detector watches
		for range 10 {
			_, err := r.put(NewChoice(p, nil), []byte(strings.Repeat("next", 100)))
			r.must(err)
		}
		if late := <-s.read; bytes.Contains(late, []byte("next")) || bytes.Contains(late, []byte("bmV4dG5leHQ")) { // in base64
			t.Errorf("%v: a late reader got the next request", p)
		}
		s.work.Wait()
	}
}

// readFunc is a reader.
type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A read that was given up, as by a limit of time, may go on, and bring its bytes when another reply is being read.
func TestALateReplyDoesNotComeIntoTheNextOne(t *testing.T) {
	replyOf := func(sequence string) []byte {
		doc, err := cbor.Marshal(map[string]any{"Records": []any{result(sequence, shard)}, "FailedRecordCount": 0})
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	first, second := replyOf("11111111"), bytes.NewReader(replyOf("22222222"))
	var waiting []byte
	s := &script{replies: []reply{{status: 200, contentType: contentTypeCBOR}}}
	put := func(length int64, body readFunc) (*kinesis.PutRecordsOutput, error) {
		r := &rig{T: t, stream: aws.String("orders")}
		r.client = kinesis.New(s.client().Options(), func(o *kinesis.Options) { o.HTTPClient = replaced{s, length, body} })
		return r.put(NewChoice(CBOR, nil), []byte("x"))
	}
	_, err := put(int64(len(first)), func(p []byte) (int, error) {
		waiting = p
		return 0, os.ErrDeadlineExceeded
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	out, err := put(second.Size(), func(p []byte) (int, error) {
		n, err := second.Read(p)
		copy(waiting, first)
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(out.Records[0].SequenceNumber); got != "22222222" {
		t.Errorf("the second reply has the number %s", got)
	}
}

func TestManyCallsAtATimeDoNotMixTheirBodies(t *testing.T) {
	r := newRig(t)
	choices := []*Choice{NewChoice(CBOR, nil), NewChoice(JSON, nil)}
	var calls sync.WaitGroup
	for n := range 8 {
		calls.Go(func() {
			for i := range 20 {
				data := bytes.Repeat([]byte{byte(n)}, 100+i*100)
				if _, err := r.put(choices[n%2], data, data); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	got := r.read(choices[0])
	if len(got) != 8*20*2 {
		t.Fatalf("%d records", len(got))
	}
	for _, rec := range got {
		if !bytes.Equal(rec.Data, bytes.Repeat(rec.Data[:1], len(rec.Data))) {
			t.Fatal("a record has bytes of another")
		}
	}
}
