package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

// reference is another library as strict as it can be about what must not be ambiguous.
var reference = func() cbor.DecMode {
	mode, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 4 * maxDepth, TimeTagToAny: cbor.TimeTagToTime}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

func seedReplies(f *testing.F) {
	for _, n := range []int{0, 1, 3} {
		doc := goodReply(f, n, 10)
		f.Add(doc)
		f.Add(withoutLengths(nil, tagged(f, doc)))
	}
	for _, s := range []string{
		"\xa1\x67Records\x81\xa1\x64Data\x5f\x41a\x40\x42bc\xff", "\xbf\x67Records\x9f\xf6\xa0\xff\xff", "\xa1\x61k\xf9\x3c\x00", "\xa1\x61k\xc1\xfb\x42\x78\xbc\xfe\x56\x80\x00\x00",
		"\xa1\x61k\xf8\x20", "\xa2\x61k\x01\x61k\x02", "\xa1\x61k\x81\x82\x83\x01\x02\x03\x04\x05", "\xd9\xd9\xf7\xa0",
	} {
		f.Add([]byte(s))
	}
}

// FuzzWellFormed compares what is well formed with another library.
func FuzzWellFormed(f *testing.F) {
	seedReplies(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		c := cursor{doc: doc}
		c.skip()
		c.end()
		if c.err != nil && !errors.Is(c.err, ErrMalformed) {
			t.Fatalf("error %v", c.err)
		}
		var tooDeep *cbor.MaxNestedLevelError
		want := reference.Wellformed(doc)
		switch {
		case c.err == nil && want != nil && !errors.As(want, &tooDeep):
			t.Fatalf("%x passes; %v", doc, want)
		case c.err != nil && want == nil && !strings.Contains(c.err.Error(), "nested too deeply"):
			t.Fatalf("%x: %v", doc, c.err)
		}
	})
}

// FuzzGetRecordsReply compares what a reply says with another library, wherever that one has an opinion.
func FuzzGetRecordsReply(f *testing.F) {
	seedReplies(f)
	f.Fuzz(func(t *testing.T, doc []byte) {
		out, err := read(bytes.Clone(doc))
		inPieces(t, doc, out, err)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("error %v", err)
			}
			if bySchema := new(kinesis.GetRecordsOutput); deserialize(doc, bySchema, nil) == nil {
				t.Fatalf("read by the schema, but by hand: %v", err)
			}
			return
		}
		bySchema := new(kinesis.GetRecordsOutput)
		if err := deserialize(doc, bySchema, nil); err != nil {
			t.Fatalf("read by hand, but by the schema: %v", err)
		}
		if diff := cmp.Diff(bySchema, out, shapeOptions...); diff != "" {
			t.Fatalf("-schema +hand\n%s", diff)
		}
		var whole map[string]any
		if reference.Unmarshal(doc, &whole) != nil {
			return
		}
		list, _ := whole["Records"].([]any)
		if len(list) != len(out.Records) {
			t.Fatalf("%d records, want %d", len(out.Records), len(list))
		}
		for i, entry := range list {
			m, _ := entry.(map[any]any)
			data, _ := m["Data"].([]byte)
			if text, ok := m["Data"].(string); ok {
				if data, err = base64.StdEncoding.DecodeString(text); err != nil {
					t.Fatalf("record %d: %q was read", i, text)
				}
			}
			if !bytes.Equal(data, out.Records[i].Data) || !bytes.Equal(data, bySchema.Records[i].Data) {
				t.Fatalf("record %d: %x, want %x", i, out.Records[i].Data, data)
			}
			if key, ok := m["PartitionKey"].(string); ok && (out.Records[i].PartitionKey == nil || *out.Records[i].PartitionKey != key) {
				t.Fatalf("record %d: key %v, want %q", i, out.Records[i].PartitionKey, key)
			}
		}
		if lag, ok := whole["MillisBehindLatest"].(uint64); ok && (out.MillisBehindLatest == nil || uint64(*out.MillisBehindLatest) != lag) {
			t.Fatalf("lag %v, want %d", out.MillisBehindLatest, lag)
		}
	})
}

// FuzzPutRecordsReply compares what a reply says, read by hand, with what it says read by the schema.
func FuzzPutRecordsReply(f *testing.F) {
	for _, results := range [][]any{
		{},
		{result("1", shard), result("2", shard), map[string]any{"ErrorCode": "InternalFailure", "ErrorMessage": "sorry"}},
		{nil, result("", ""), result(strings.Repeat("9", 56), "s"), result("3", strings.Repeat("s", slabSize))},
	} {
		doc, err := cbor.Marshal(map[string]any{"Records": results, "FailedRecordCount": 1, "EncryptionType": "NONE"})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
		f.Add(withoutLengths(nil, tagged(f, doc)))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		out, bySchema := new(kinesis.PutRecordsOutput), new(kinesis.PutRecordsOutput)
		again := bytes.Clone(doc)
		err, schemaErr := deserialize(again, out, byHand(out)), deserialize(doc, bySchema, nil)
		if err != nil && !errors.Is(err, ErrMalformed) || (err == nil) != (schemaErr == nil) {
			t.Fatalf("by hand %v, by the schema %v", err, schemaErr)
		}
		inPieces(t, doc, out, err)
		clear(again) // nothing of a result aliases the reply
		if err != nil {
			return
		}
		if diff := cmp.Diff(bySchema, out, shapeOptions...); diff != "" {
			t.Fatalf("-schema +hand\n%s", diff)
		}
	})
}

// inPieces reads a document that comes byte by byte, or in pieces that end anywhere: it says the same as one that was there at once.
func inPieces(t *testing.T, doc []byte, want smithy.Deserializable, wantErr error) {
	t.Helper()
	for _, step := range []int{0, 1, 7} {
		c := cursor{doc: make([]byte, 0, len(doc)), body: bytes.NewReader(doc), coming: len(doc), step: step}
		out := newValue(reflect.TypeOf(want).Elem()).(smithy.Deserializable)
		err := deserializeFrom(c, out, byHand(out))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("in pieces of %d: %v, want %v", step, err, wantErr)
		}
		if diff := cmp.Diff(want, out, shapeOptions...); err == nil && diff != "" {
			t.Fatalf("in pieces of %d: -want +got\n%s", step, diff)
		}
	}
}

func result(sequence, shard string) any {
	return map[string]any{"SequenceNumber": sequence, "ShardId": shard}
}

// FuzzPutRecordsRequest makes requests of what it is given: by hand they are, byte for byte, what the schema makes of them; in JSON they mean
// what the SDK's mean.
func FuzzPutRecordsRequest(f *testing.F) {
	f.Add([]byte(""), "orders", "k", false)
	f.Add([]byte("\x03\x07\x00\x00..\x04\x02\x03\x07\x00\x00"), "", "ключ\"\\\n\u2028\xff\x7f<&>", true)
	f.Add([]byte(strings.Repeat("\x07\xff\xfe", 300)), "orders", "", false)
	f.Fuzz(func(t *testing.T, recipe []byte, stream, key string, dry bool) {
		in := &kinesis.PutRecordsInput{DryRun: &dry, StreamName: &stream}
		if stream == "" {
			in = new(kinesis.PutRecordsInput)
		}
		recipe, filler := recipe[:min(len(recipe), 90)], bytes.Repeat([]byte("0123456789"), 7000)
		for ; len(recipe) >= 3; recipe = recipe[3:] { // which members there are, how long they are
			var e types.PutRecordsRequestEntry
			if recipe[0]&1 != 0 {
				e.Data = filler[:int(recipe[1])*int(recipe[2])]
			}
			if recipe[0]&2 != 0 {
				e.PartitionKey = aws.String(key + string(filler[:recipe[1]]))
			}
			if recipe[0]&4 != 0 {
				e.ExplicitHashKey = aws.String(string(filler[:recipe[2]]) + key)
			}
			in.Records = append(in.Records, e)
		}
		byHand, bySchema := serializer{body: newBody()}, serializer{body: newBody()}
		byHand.serialize(in)
		in.Serialize(&bySchema)
		if got, want := written(t, &byHand), written(t, &bySchema); !bytes.Equal(got, want) {
			t.Fatalf("by hand %x\nby the schema %x", got, want)
		}
		inJSON := func(p smithyhttp.ClientProtocol) (doc any) {
			if err := json.Unmarshal(requestIn(t, p, in), &doc); err != nil {
				t.Fatal(err)
			}
			return doc
		}
		if diff := cmp.Diff(inJSON(newJSON()), inJSON(&jsonCall{Protocol: newJSON()})); diff != "" {
			t.Fatalf("-the SDK's +ours\n%s", diff)
		}
	})
}

// written returns a whole document, after which its memory is released.
func written(t testing.TB, s *serializer) []byte {
	t.Helper()
	defer s.release()
	s.seal()
	doc, err := io.ReadAll(s.body)
	if err := errors.Join(err, s.err); err != nil {
		t.Fatal(err)
	}
	return doc
}

// FuzzReplies reads any document as the reply to any operation, and as an error: every end is a typed error or a value.
func FuzzReplies(f *testing.F) {
	ops := operations()
	for i, op := range ops {
		if op.name == "SubscribeToShard" {
			continue
		}
		f.Add(uint8(i), goodReply(f, 1, 1))
	}
	f.Fuzz(func(t *testing.T, n uint8, doc []byte) {
		readFault(doc)
		op := ops[int(n)%len(ops)]
		if op.out.Field(0).Name == "ResultMetadata" || op.name == "SubscribeToShard" {
			return
		}
		out := newValue(op.out).(smithy.Deserializable)
		if err := deserialize(doc, out, byHand(out)); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("%s: %v", op.name, err)
		}
	})
}

// FuzzFrames reads any bytes as an event stream, and compares sound frames with the SDK's reader.
func FuzzFrames(f *testing.F) {
	f.Add(framed(f, goodReply(f, 1, 10), ":message-type", "event", ":event-type", eventRecords, ":content-type", contentTypeCBOR))
	f.Add(framed(f, []byte(`{"message":"m"}`), ":message-type", "exception", ":exception-type", "ResourceInUseException", ":content-type", contentTypeJSON))
	f.Add(framed(f, nil, ":message-type", "error", ":error-code", "c", ":error-message", "m"))
	f.Add(framed(f, nil))
	f.Fuzz(func(t *testing.T, stream []byte) {
		events := newEventReader()
		decoder := eventstream.NewDecoder()
		theirs := bytes.NewReader(stream)
		for ours := bytes.NewReader(stream); ; {
			frame, err := readFrame(ours)
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, ErrFrame) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if want, err := decoder.Decode(theirs, nil); err == nil && !bytes.Equal(want.Payload, frame.payload) {
				t.Fatalf("payload %x, want %x", frame.payload, want.Payload)
			}
			_, err = events.event(frame)
			var api smithy.APIError
			var unreadable *smithy.DeserializationError
			if err != nil && !errors.Is(err, ErrFrame) && !errors.As(err, &api) && !errors.As(err, &unreadable) {
				t.Fatalf("error %v", err)
			}
		}
	})
}

// framed makes a frame whose checksums are right; headers are names and values in turn.
func framed(t testing.TB, payload []byte, headers ...string) []byte {
	t.Helper()
	var head []byte
	for i := 0; i < len(headers); i += 2 {
		head = append(append(head, byte(len(headers[i]))), headers[i]...)
		head = binary.BigEndian.AppendUint16(append(head, headerString), uint16(len(headers[i+1])))
		head = append(head, headers[i+1]...)
	}
	frame := prelude(uint32(preludeLen+len(head)+len(payload)+trailerLen), uint32(len(head)))
	frame = append(append(frame, head...), payload...)
	return binary.BigEndian.AppendUint32(frame, crc32.ChecksumIEEE(frame))
}

func prelude(total, headers uint32) []byte {
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, total), headers)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
