package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// script is a server at the other end of an http.Client: it keeps the requests and gives the replies it was told to.
type script struct {
	requests []sent
	replies  []reply // one for each request; the last one stays
}

type sent struct {
	target, contentType string
	body                []byte
}

type reply struct {
	status      int
	contentType string
	errorType   string // X-Amzn-ErrorType
	body        []byte
	unsized     bool // no Content-Length
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if int64(len(body)) != r.ContentLength {
			return nil, fmt.Errorf("%d bytes, Content-Length %d", len(body), r.ContentLength)
		}
	}
	next := s.replies[min(len(s.requests), len(s.replies)-1)]
	s.requests = append(s.requests, sent{target: r.Header.Get("X-Amz-Target"), contentType: r.Header.Get("Content-Type"), body: body})
	resp := &http.Response{StatusCode: next.status, Header: http.Header{}, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(bytes.NewReader(next.body)), ContentLength: int64(len(next.body))}
	if next.unsized {
		resp.ContentLength = -1
	}
	resp.Header.Set("Content-Type", next.contentType)
	if next.errorType != "" {
		resp.Header.Set("X-Amzn-ErrorType", next.errorType)
	}
	return resp, nil
}

func (s *script) client() *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://kinesis.invalid"), HTTPClient: &http.Client{Transport: s},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), Retryer: aws.NopRetryer{},
	})
}

// operation is a method of the client.
type operation struct {
	name    string
	in, out reflect.Type // structs
	call    func(*kinesis.Client, any, func(*kinesis.Options)) (any, error)
}

// operations returns every operation of the client, by name.
func operations() (all []operation) {
	t := reflect.TypeFor[*kinesis.Client]()
	for i := range t.NumMethod() {
		m := t.Method(i)
		if m.Type.NumIn() != 4 || m.Type.NumOut() != 2 || m.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue
		}
		all = append(all, operation{name: m.Name, in: m.Type.In(2).Elem(), out: m.Type.Out(0).Elem(),
			call: func(c *kinesis.Client, in any, option func(*kinesis.Options)) (any, error) {
				got := m.Func.Call([]reflect.Value{reflect.ValueOf(c), reflect.ValueOf(context.Background()), reflect.ValueOf(in), reflect.ValueOf(option)})
				err, _ := got[1].Interface().(error)
				return got[0].Interface(), err
			}})
	}
	return all
}

// fill puts something into every field that can be set: into lists two entries, into maps one.
func fill(v reflect.Value, rng *rand.Rand) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.UnixMilli((4e8 + rng.Int64N(16e9)) * 250).UTC())) // the SDK's JSON has floating seconds, and cuts them off
		return
	case middleware.Metadata:
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), rng)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), rng)
			}
		}
	case reflect.Slice:
		n := 2
		if v.Type().Elem().Kind() == reflect.Uint8 {
			n = []int{0, 1, 23, 24, 255, 256, copyBelow - 1, copyBelow, 70_000}[rng.IntN(9)]
		}
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), rng)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, rng)
		fill(value, rng)
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(strings.Repeat("ключ\"\\\n𝄞", rng.IntN(8)) + "x")
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(rng.Uint64N(256))
	case reflect.Int32:
		v.SetInt(int64(int32(rng.Uint32())))
	case reflect.Int64:
		v.SetInt(rng.Int64N(1<<53) - 1<<52) // JSON readers may take numbers for floats
	case reflect.Float64:
		v.SetFloat(rng.NormFloat64())
	case reflect.Interface: // a stream of events
	default:
		panic("no way to fill a " + v.Type().String())
	}
}

// plainly returns a document as JSON readers see it: blobs in base64, timestamps in seconds.
func plainly(t testing.TB, doc any) any {
	switch doc := doc.(type) {
	case map[any]any:
		m := make(map[string]any)
		for k, v := range doc {
			m[k.(string)] = plainly(t, v)
		}
		return m
	case []any:
		list := make([]any, len(doc))
		for i := range doc {
			list[i] = plainly(t, doc[i])
		}
		return list
	case []byte:
		return base64.StdEncoding.EncodeToString(doc)
	case cbor.Tag:
		if doc.Number != 1 {
			t.Fatalf("tag %d", doc.Number)
		}
		return plainly(t, doc.Content).(float64) / 1000
	case uint64:
		return float64(doc)
	case int64:
		return float64(doc)
	}
	return doc
}

// tagged reads CBOR with another library, whose idea of tag 1, seconds, is undone.
func tagged(t testing.TB, doc []byte) any {
	t.Helper()
	var v any
	if err := cbor.Unmarshal(doc, &v); err != nil {
		t.Fatalf("%v in %x", err, doc)
	}
	return retagged(v)
}

func retagged(doc any) any {
	switch doc := doc.(type) {
	case map[any]any:
		for k, v := range doc {
			doc[k] = retagged(v)
		}
	case []any:
		for i, v := range doc {
			doc[i] = retagged(v)
		}
	case time.Time:
		return cbor.Tag{Number: 1, Content: doc.Unix()}
	}
	return doc
}

var approximately = cmpopts.EquateApprox(0, 1e-6) // seconds in JSON are floating numbers

// documents returns a shape in JSON, as the SDK writes it, and in CBOR, as we do.
func documents(t testing.TB, shape smithy.Serializable) (asJSON, asCBOR []byte) {
	t.Helper()
	return requestIn(t, newJSON(), shape), requestIn(t, new(cborCall), shape)
}

// requestIn returns the request of a protocol with a shape.
func requestIn(t testing.TB, p smithyhttp.ClientProtocol, shape smithy.Serializable) []byte {
	t.Helper()
	operation := smithy.NewOperationSchema(smithy.NewSchema(smithy.ShapeID{}, smithy.ShapeTypeOperation, 0), smithy.NewSchema(smithy.ShapeID{}, smithy.ShapeTypeStructure, 0), nil)
	r := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if err := p.SerializeRequest(t.Context(), operation, shape, r); err != nil {
		t.Fatal(err)
	}
	doc, err := io.ReadAll(r.GetStream())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// withoutLengths writes a document anew, with no length said in advance.
func withoutLengths(dst []byte, doc any) []byte {
	switch doc := doc.(type) {
	case map[any]any:
		dst = append(dst, majorMap|indefinite)
		for _, k := range slices.SortedFunc(maps.Keys(doc), func(a, b any) int { return strings.Compare(a.(string), b.(string)) }) {
			dst = withoutLengths(withoutLengths(dst, k), doc[k])
		}
		return append(dst, headBreak)
	case []any:
		dst = append(dst, majorArray|indefinite)
		for _, v := range doc {
			dst = withoutLengths(dst, v)
		}
		return append(dst, headBreak)
	case string:
		dst = append(dst, majorText|indefinite)
		for i := range len(doc) {
			dst = append(dst, majorText|1, doc[i])
		}
		return append(dst, headBreak)
	case []byte:
		dst = append(dst, majorBytes|indefinite)
		if len(doc) > 0 {
			dst = append(appendHead(dst, majorBytes, uint64(len(doc))), doc...)
		}
		return append(dst, headBreak)
	}
	b, err := cbor.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return append(dst, b...)
}

var shapeOptions = cmp.Options{
	cmpopts.IgnoreUnexported(kinesis.SubscribeToShardOutput{}), cmpopts.IgnoreTypes(middleware.Metadata{}),
	cmp.Exporter(func(t reflect.Type) bool { return strings.HasPrefix(t.PkgPath(), "github.com/aws/") }),
}

func TestEveryRequestSaysInCBORWhatItSaysInJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, op := range operations() {
		in := reflect.New(op.in)
		fill(in.Elem(), rng)
		s := &script{replies: []reply{{status: 200, contentType: contentTypeCBOR, body: []byte("\xa0")}, {status: 200, body: []byte("{}")}}}
		if op.name == "SubscribeToShard" {
			continue // its reply is a stream: TestASubscription... have it
		}
		for _, option := range []func(*kinesis.Options){speakCBOR, speakJSON} {
			if _, err := op.call(s.client(), in.Interface(), option); err != nil {
				t.Fatalf("%s: %v", op.name, err)
			}
		}
		asCBOR, asJSON := s.requests[0], s.requests[1]
		if asCBOR.contentType != contentTypeCBOR || asCBOR.target != asJSON.target || asCBOR.target != "Kinesis_20131202."+op.name {
			t.Errorf("%s: %s, %s; in JSON %s", op.name, asCBOR.target, asCBOR.contentType, asJSON.target)
		}
		var want any
		if err := json.Unmarshal(asJSON.body, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, plainly(t, tagged(t, asCBOR.body)), approximately); diff != "" {
			t.Errorf("%s: -JSON +CBOR\n%s", op.name, diff)
		}
	}
}

func TestEveryReplyIsReadFromCBORAsFromJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, op := range operations() {
		if op.name == "SubscribeToShard" {
			continue
		}
		want, in := reflect.New(op.out), reflect.New(op.in)
		fill(want.Elem(), rng)
		fill(in.Elem(), rng)
		asJSON, asCBOR := []byte("{}"), []byte{majorMap}
		if op.out.Field(0).Name != "ResultMetadata" { // or there is nothing in the reply, and no schema
			asJSON, asCBOR = documents(t, want.Interface().(smithy.Serializable))
		}
		for kind, r := range map[string]reply{
			"CBOR":            {contentType: contentTypeCBOR, body: asCBOR},
			"CBOR, unsized":   {contentType: contentTypeCBOR + "; charset=utf-8", body: asCBOR, unsized: true},
			"no lengths":      {contentType: contentTypeCBOR, body: withoutLengths(nil, tagged(t, asCBOR))},
			"others' library": {contentType: contentTypeCBOR, body: recoded(t, asCBOR)},
			"JSON":            {contentType: "application/x-amz-json-1.1", body: asJSON},
		} {
			r.status = 200
			got, err := op.call((&script{replies: []reply{r}}).client(), in.Interface(), speakCBOR)
			if err != nil {
				t.Errorf("%s, %s: %v", op.name, kind, err)
			} else if diff := cmp.Diff(want.Interface(), got, shapeOptions...); diff != "" {
				t.Errorf("%s, %s: -want +got\n%s", op.name, kind, diff)
			}
		}
	}
}

// recoded returns the document as another library writes it.
func recoded(t testing.TB, doc []byte) []byte {
	t.Helper()
	b, err := cbor.Marshal(tagged(t, doc))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryModelledErrorIsReadFromCBORAsFromJSON(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	found := 0
	for id, entry := range kinesis.TypeRegistry.Entries {
		want, ok := entry.New().(smithy.DeserializableError)
		if !ok {
			continue
		}
		found++
		fill(reflect.ValueOf(want).Elem(), rng)
		reflect.ValueOf(want).Elem().FieldByName("ErrorCodeOverride").SetZero()
		_, code, _ := strings.Cut(id, "#")
		asJSON, asCBOR := documents(t, want.(smithy.Serializable))
		for kind, r := range map[string]reply{
			"code in the CBOR": {contentType: contentTypeCBOR, body: withType(t, asCBOR, code)},
			"code with prefix": {contentType: contentTypeCBOR, body: withType(t, asCBOR, "com.amazonaws.kinesis#"+code)},
			"code in a header": {contentType: contentTypeCBOR, body: asCBOR, errorType: code + ":http://internal.amazon.com/"},
			"Message":          {contentType: contentTypeCBOR, body: bytes.Replace(withType(t, asCBOR, code), []byte("\x67message"), []byte("\x67Message"), 1)},
			"no Content-Type":  {body: withType(t, asCBOR, code)},
			"JSON":             {contentType: "application/x-amz-json-1.1", body: asJSON, errorType: code},
		} {
			r.status = 400
			_, err := (&script{replies: []reply{r}}).client().GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")}, speakCBOR)
			got := reflect.New(reflect.TypeOf(want))
			if !errorAs(err, got.Interface()) {
				t.Errorf("%s, %s: %v", code, kind, err)
			} else if diff := cmp.Diff(want, got.Elem().Interface(), shapeOptions...); diff != "" {
				t.Errorf("%s, %s: -want +got\n%s", code, kind, diff)
			}
		}
	}
	if found < 10 {
		t.Fatalf("only %d modelled errors", found)
	}
}

func withType(t testing.TB, doc []byte, code string) []byte {
	t.Helper()
	m := tagged(t, doc).(map[any]any)
	m["__type"] = code
	b, err := cbor.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes themselves, so that a mistake made both in writing and in reading shows.
func TestTheWireIsAsTheServiceHasIt(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	for _, c := range []struct {
		shape smithy.Serializable
		want  string
	}{
		{&kinesis.GetShardIteratorInput{StreamName: aws.String("s"), ShardId: aws.String("i"), ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &at},
			"\xa4\x67ShardId\x61i\x71ShardIteratorType\x6cAT_TIMESTAMP\x6aStreamName\x61s\x69Timestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b"},
		{&kinesis.PutRecordsInput{StreamName: aws.String("s"), Records: []types.PutRecordsRequestEntry{{Data: []byte{0, 255}, PartitionKey: aws.String("k")}}},
			"\xa2\x67Records\x99\x00\x01\xa2\x64Data\x42\x00\xff\x6cPartitionKey\x61k\x6aStreamName\x61s"},
	} {
		if _, got := documents(t, c.shape); string(got) != c.want {
			t.Errorf("%T:\n%q, want\n%q", c.shape, got, c.want)
		}
	}
	body := "\xbf\x67Records\x9f\xbf\x64Data\x42\x00\xff\x6cPartitionKey\x61k\x6eSequenceNumber\x6249" +
		"\x78\x1bApproximateArrivalTimestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x7b\xff\xff\x72MillisBehindLatest\x07\xff"
	s := &script{replies: []reply{{status: 200, contentType: contentTypeCBOR, body: []byte(body)}}}
	got, err := s.client().GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")}, speakCBOR)
	if err != nil {
		t.Fatal(err)
	}
	want := &kinesis.GetRecordsOutput{MillisBehindLatest: aws.Int64(7), Records: []types.Record{{Data: []byte{0, 255}, PartitionKey: aws.String("k"),
		SequenceNumber: aws.String("49"), ApproximateArrivalTimestamp: &at}}}
	if diff := cmp.Diff(want, got, shapeOptions...); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// errorAs is errors.As for a target whose type is only known at run time.
func errorAs(err error, target any) bool { return errors.As(err, target) }

func newValue(t reflect.Type) any { return reflect.New(t).Interface() }

// replaced answers with the reply of a script, but with another body.
type replaced struct {
	*script
	claim int64
	body  io.Reader
}

func (r replaced) Do(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTrip(req)
	if err == nil {
		resp.ContentLength, resp.Body = r.claim, io.NopCloser(r.body)
	}
	return resp, err
}
