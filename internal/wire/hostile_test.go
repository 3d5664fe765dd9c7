package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"
)

// read reads a reply to GetRecords.
func read(doc []byte) (*kinesis.GetRecordsOutput, error) {
	out := new(kinesis.GetRecordsOutput)
	return out, deserialize(doc, out, byHand(out))
}

func TestMalformedRepliesAreTypedErrors(t *testing.T) {
	deep := func(n int, head string) string { return strings.Repeat(head, n) }
	for _, doc := range []string{
		"\xa1", "\x80", "\xbf", "\x01", "\xff", "\xf6\xf6", "\xa0\xa0", "\xa1\x01\x02", "\xa1\x61k", "\xa1\x61",
		"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x61k\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x61k\x9b\x7f\xff\xff\xff\xff\xff\xff\xff",
		"\xa1\x61k\xfc", "\xa1\x61k\x1c", "\xa1\x61k\x1f", "\xa1\x61k\x3f", "\xa1\x61k\xdf\x01", "\xa1\x61k\xf8\x1f", "\xa1\x61k\xff",
		"\xa1\x61k\x5f\x61a\xff", "\xa1\x61k\x5f\x5f\xff\xff", "\xa1\x61k\x7f\x61a", "\xbf\x61k\xff", "\xbf\x61k\x01",
		"\xa1\x61k" + deep(100_000, "\x81"), "\xa1\x61k" + deep(100_000, "\xc1"), "\xa1\x61k" + deep(100_000, "\xbf\x61k"), "\xa1\x61k" + deep(100_000, "\x9f"),
		"\xa1\x67Records\xa0", "\xa1\x67Records\x01", "\xa1\x67Records\x81\x01", "\xa1\x67Records\x81\xa1\x64Data\x61x", "\xa1\x67Records\x81\xa1\x64Data\x64YW*j",
		"\xa1\x67Records\x81\xa1\x64Data\x01", "\xa1\x67Records\x81\xa1\x6cPartitionKey\x41k", "\xa1\x67Records\x9f\xa0",
		"\xa1\x67Records\x81\xa1\x78\x1bApproximateArrivalTimestamp\x61x", "\xa1\x67Records\x81\xa1\x78\x1bApproximateArrivalTimestamp\xc1\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa1\x67Records\x81\xa1\x78\x1bApproximateArrivalTimestamp\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00", "\xa1\x72MillisBehindLatest\xf5",
		"\xa1\x72MillisBehindLatest\x61x", "\xa1\x72MillisBehindLatest\x1b\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x71NextShardIterator\x05",
		"\xa1\x6bChildShards\xa0", "\xa1\x6bChildShards\x81\x01", "\xa1\x6bChildShards\x9b\x00\x00\xff\xff\xff\xff\xff\xff",
		"\xa1\x67Records\x9b\x00\x00\x00\x00\xff\xff\xff\xff", "\xa1\x67Records\x9f" + deep(maxEntries+1, "\xa0") + "\xff",
	} {
		_, err := read([]byte(doc))
		var where *SyntaxError
		if !errors.Is(err, ErrMalformed) || !errors.As(err, &where) || where.Offset > len(doc) {
			t.Errorf("%.40q: %v", doc, err)
		}
	}
}

// Every cut, and every byte changed to every value, of a good document.
func TestDamagedRepliesEndWell(t *testing.T) {
	doc := goodReply(t, 3, 20)
	for n := range doc {
		if _, err := read(doc[:n:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("cut to %d of %d: %v", n, len(doc), err)
		}
		for b := range 256 {
			damaged := append([]byte(nil), doc...)
			damaged[n] = byte(b)
			if _, err := read(damaged); err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("byte %d is %#x: %v", n, b, err)
			}
		}
	}
}

// goodReply is a reply to GetRecords, of another library.
func goodReply(t testing.TB, records, size int) []byte {
	t.Helper()
	list := make([]any, records)
	for i := range list {
		list[i] = map[string]any{
			"Data": []byte(strings.Repeat("d", size)), "PartitionKey": fmt.Sprintf("key-%08d", i), "SequenceNumber": fmt.Sprintf("4960%052d", i),
			"ApproximateArrivalTimestamp": cbor.Tag{Number: 1, Content: 1_700_000_000_000 + i}, "EncryptionType": "KMS",
		}
	}
	doc, err := cbor.Marshal(map[string]any{"Records": list, "MillisBehindLatest": 1000, "NextShardIterator": "AAAA" + strings.Repeat("x", 200)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// entryBytes is what one entry of a list takes up besides its bytes in the document.
const entryBytes = 160

func TestNothingIsAllocatedForALengthThatIsOnlyClaimed(t *testing.T) {
	for _, doc := range []string{
		"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\xa1\x67Records\x9b\x7f\xff\xff\xff\xff\xff\xff\xff", "\xa1\x67Records\x9a\x00\x00\xff\xff\xa0",
		"\xa1\x67Records\x81\xa1\x64Data\x5b\x00\x00\x00\x00\x7f\xff\xff\xff", "\xa1\x67Records\x81\xa1\x64Data\x5f\x5a\x7f\xff\xff\xff",
		"\xa1\x6bChildShards\x9b\x00\x00\x00\x00\x7f\xff\xff\xff", "\xa1\x71NextShardIterator\x7b\x00\x00\x00\x00\x7f\xff\xff\xff",
	} {
		spent := allocated(func() {
			if _, err := read([]byte(doc)); err == nil {
				t.Errorf("%q was read", doc)
			}
		})
		if most := 4096 + uint64(len(doc))*entryBytes; spent > most {
			t.Errorf("%q: %d bytes allocated, of a document of %d", doc, spent, len(doc))
		}
	}
	for records, size := range map[int]int{1: 10, 100: 0, 1000: 1000, 10_000: 100} {
		doc := goodReply(t, records, size)
		spent := allocated(func() {
			if _, err := read(doc); err != nil {
				t.Error(err)
			}
		})
		if most := 4096 + uint64(len(doc)) + uint64(records)*2*entryBytes; spent > most {
			t.Errorf("%d records of %d bytes: %d bytes allocated, of a document of %d", records, size, spent, len(doc))
		}
	}
}

// The shorter an entry is, the more memory it takes up for each byte of the document.
func TestEntriesThatSayLittleTakeUpLittle(t *testing.T) {
	for name, list := range map[string]struct{ before, entry, after string }{
		"empty records":        {"\xa1\x67Records\x9f", "\xa0", "\xff"},
		"null for records":     {"\xa1\x67Records\x9f", "\xf6", "\xff"},
		"empty children":       {"\xa1\x6bChildShards\x9f", "\xa0", "\xff"},
		"null for children":    {"\xa1\x6bChildShards\x9f", "\xf6", "\xff"},
		"children of one word": {"\xa1\x6bChildShards\x9f", "\xa1\x67ShardId\x66abcdef", "\xff"},
		"parents":              {"\xa1\x6bChildShards\x81\xa1\x6cParentShards\x9f", "\x60", "\xff"},
		"many short lists":     {"\xa1\x6bChildShards\x9f", "\xa1\x6cParentShards\x90" + strings.Repeat("\x60", 16), "\xff"},
	} {
		for _, n := range []int{100, 5000, 1 << 17} {
			doc := []byte(list.before + strings.Repeat(list.entry, n) + list.after)
			spent := allocated(func() {
				if _, err := read(doc); err != nil && !errors.Is(err, ErrMalformed) {
					t.Errorf("%s: %v", name, err)
				}
			})
			if most := 512<<10 + 20*uint64(len(doc)); spent > most {
				t.Errorf("%s, %d of them: %d bytes allocated, of a document of %d", name, n, spent, len(doc))
			}
		}
	}
}

// allocated returns how many bytes f allocates: the least of three runs, since the runtime itself allocates now and then.
func allocated(f func()) uint64 {
	least := uint64(math.MaxUint64)
	for range 3 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// endless is a body that never ends, of a server that does not say how long its reply is.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestRepliesThatAreTooLongOrTooShortAreTypedErrors(t *testing.T) {
	c := &script{replies: []reply{{status: 200, contentType: contentTypeCBOR, body: goodReply(t, 1, 10)}}}
	long := goodReply(t, 1000, 1000)
	for name, tc := range map[string]struct {
		claim int64
		body  io.Reader
		want  error
	}{
		"too long by its own word": {maxReply + 1, strings.NewReader("\xa0"), ErrTooLarge},
		"too long":                 {-1, endless{}, ErrTooLarge},
		"empty":                    {0, http.NoBody, ErrMalformed},
		"empty, of no told length": {-1, http.NoBody, ErrMalformed},
		"cut off":                  {100, strings.NewReader("\xa0"), io.ErrUnexpectedEOF},
		"cut off at once":          {100, strings.NewReader(""), io.ErrUnexpectedEOF},
		"cut off late":             {int64(len(long)), bytes.NewReader(long[:len(long)-1]), io.ErrUnexpectedEOF},
		"longer than its document": {atATime + 100, io.MultiReader(strings.NewReader("\xa0"), endless{}), ErrMalformed},
	} {
		client := kinesis.New(c.client().Options(), func(o *kinesis.Options) { o.HTTPClient = replaced{c, tc.claim, tc.body} })
		_, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")}, speakCBOR)
		var unreadable *smithy.DeserializationError
		if !errors.Is(err, tc.want) || !errors.As(err, &unreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A Response that a user's own client has put together may tell no length: it has 0 then, and not -1.
func TestAReplyThatTellsNoLengthIsReadToItsEnd(t *testing.T) {
	doc := goodReply(t, 1000, 1000)
	c := &script{replies: []reply{{status: 200, contentType: contentTypeCBOR}}}
	for _, claim := range []int64{0, -1} {
		client := kinesis.New(c.client().Options(), func(o *kinesis.Options) { o.HTTPClient = replaced{c, claim, bytes.NewReader(doc)} })
		out, err := client.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("x")}, speakCBOR)
		if err != nil || len(out.Records) != 1000 {
			t.Errorf("length %d: %+v, %v", claim, out, err)
		}
	}
}

func TestMemoryThatIsNotClearedIsAsLargeAsAskedFor(t *testing.T) {
	var all [][]byte
	for n := range 3000 {
		b := uncleared(n)
		if len(b) != n || cap(b) != n {
			t.Fatalf("%d bytes, capacity %d, want %d", len(b), cap(b), n)
		}
		all = append(all, b)
		for i := range b {
			b[i] = byte(n)
		}
	}
	runtime.GC()
	for n, b := range all {
		if bytes.Count(b, []byte{byte(n)}) != n {
			t.Fatalf("%d bytes share their memory", n)
		}
	}
}

// Whatever a value may look like by RFC 8949, and by what has been seen of servers.
func TestValuesMayBeWrittenInManyWays(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000).UTC()
	record := types.Record{Data: []byte("abc"), PartitionKey: aws.String("k"), SequenceNumber: aws.String("1"), ApproximateArrivalTimestamp: &at}
	want := &kinesis.GetRecordsOutput{Records: []types.Record{record}, MillisBehindLatest: aws.Int64(5)}
	for name, doc := range map[string]string{
		"tags, nulls, strangers": "\xd9\xd9\xf7\xa5\x67Records\x81\xa7\x64Data\xd7\x43abc\x6cPartitionKey\x61k\x6eSequenceNumber\x61\x31" +
			"\x78\x1bApproximateArrivalTimestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00\x6eEncryptionType\xf6\x65Other\xbf\x61a\x9f\xf9\x3c\x00\xff\xff\x64More\xf7" +
			"\x72MillisBehindLatest\x1b\x00\x00\x00\x00\x00\x00\x00\x05\x71NextShardIterator\xf6\x6bChildShards\xf7\x65Other\x82\xfa\x00\x00\x00\x00\x38\x18",
		"floats and pieces": "\xbf\x7f\x64Reco\x63rds\xff\x9f\xbf\x64Data\x5f\x41a\x40\x42bc\xff\x6cPartitionKey\x7f\x61k\xff\x6eSequenceNumber\x78\x01\x31" +
			"\x78\x1bApproximateArrivalTimestamp\xfb\x42\x78\xbc\xfe\x56\x80\x00\x00\xff\xff\x72MillisBehindLatest\x05\xff",
		"as kinesis-local does": "\xa3\x67Records\x81\xa4\x78\x1bApproximateArrivalTimestamp\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00\x64Data\x64YWJj" +
			"\x6cPartitionKey\x61k\x6eSequenceNumber\x61\x31\x72MillisBehindLatest\x05\x6bChildShards\xf6",
		"as kinesalite does": "\xa2\x67Records\x81\xa4\x78\x1bApproximateArrivalTimestamp\xfb\x41\xd9\x54\xfc\x40\x00\x00\x00\x64Data\x43abc" +
			"\x6cPartitionKey\x61k\x6eSequenceNumber\x61\x31\x72MillisBehindLatest\x05",
		"whole seconds": "\xa2\x67Records\x81\xa4\x78\x1bApproximateArrivalTimestamp\x1a\x65\x53\xf1\x00\x64Data\x43abc" +
			"\x6cPartitionKey\x61k\x6eSequenceNumber\x61\x31\x72MillisBehindLatest\x05",
	} {
		got, err := read([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got, shapeOptions...); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestFloatsOfSixteenBitsAreConverted(t *testing.T) {
	for bits, want := range map[uint16]float64{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: math.Ldexp(1, -24), 0x03ff: math.Ldexp(1023, -24), 0x0400: math.Ldexp(1, -14), 0x7c00: math.Inf(1),
		0xfc00: math.Inf(-1), 0x3555: 0.333251953125,
	} {
		if got := halfFloat(bits); got != want {
			t.Errorf("%#04x is %v, want %v", bits, got, want)
		}
	}
	if !math.IsNaN(halfFloat(0x7e00)) || !math.Signbit(halfFloat(0x8000)) {
		t.Error("NaN or -0")
	}
}

// A member that a later SDK knows is read by the schema; until then by hand. Both must give the same.
func TestByHandAndBySchemaAreTheSame(t *testing.T) {
	doc := goodReply(t, 100, 50)
	byHand, err := read(doc)
	if err != nil {
		t.Fatal(err)
	}
	bySchema := new(kinesis.GetRecordsOutput)
	if err := deserialize(doc, bySchema, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bySchema, byHand, shapeOptions...); diff != "" {
		t.Errorf("-schema +hand\n%s", diff)
	}
	if !recordsByHand || !resultsByHand || !entriesByHand {
		t.Error("the SDK knows new members of records: read or write them by hand, too")
	}
}

func TestDataAliasesTheReplyAndCannotGrowIntoIt(t *testing.T) {
	doc := goodReply(t, 2, 8)
	out, err := read(doc)
	if err != nil {
		t.Fatal(err)
	}
	first := out.Records[0].Data
	if cap(first) != len(first) {
		t.Errorf("capacity %d of %d bytes", cap(first), len(first))
	}
	was := string(out.Records[1].Data) + *out.Records[1].PartitionKey
	for i := range doc {
		doc[i] ^= 0xff
	}
	if string(first) == "dddddddd" {
		t.Error("data is a copy")
	}
	if *out.Records[1].PartitionKey != was[8:] {
		t.Error("a key aliases the reply")
	}
}
