package producer_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/internal/hashkey"
)

// instant is a service that answers at once. Of a request it reads what it must know for a true answer: to which shard each entry goes.
type instant struct {
	shardOf   map[string]int // by partition key, of entries without explicit hash key
	listing   []byte
	readers   sync.Pool
	throttled *string // a shard that refuses everything
}

func newInstant(keys []string) *instant {
	s := &instant{shardOf: make(map[string]int), readers: sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 64<<10) }}}
	for _, k := range keys {
		s.shardOf[k] = int(hashkey.Of(k).Hi >> 62)
	}
	var list bytes.Buffer
	for i := range uint64(benchShards) {
		start, end := hashkey.Key{Hi: i << 62}, hashkey.Key{Hi: i<<62 | (1<<62 - 1), Lo: 1<<64 - 1}
		fmt.Fprintf(&list, `,{"ShardId":"shardId-00000000000%d","HashKeyRange":{"StartingHashKey":"%s","EndingHashKey":"%s"},"SequenceNumberRange":{"StartingSequenceNumber":"1"}}`, i, start, end)
	}
	s.listing = []byte(`{"Shards":[` + list.String()[1:] + `]}`)
	return s
}

func (s *instant) client() *kinesis.Client {
	return kinesis.New(kinesis.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		HTTPClient: &http.Client{Transport: s}, BaseEndpoint: aws.String("http://127.0.0.1")})
}

func (s *instant) RoundTrip(req *http.Request) (*http.Response, error) {
	defer req.Body.Close()
	body := s.readers.Get().(*bufio.Reader)
	defer s.readers.Put(body)
	body.Reset(req.Body)
	var out []byte
	contentType := req.Header.Get("Content-Type")
	switch req.Header.Get("X-Amz-Target") {
	case "Kinesis_20131202.ListShards":
		out = s.listing
	case "Kinesis_20131202.DescribeStreamSummary":
		out = []byte(`{"StreamDescriptionSummary":{"StreamName":"orders","StreamStatus":"ACTIVE","OpenShardCount":4}}`)
	case "Kinesis_20131202.PutRecords":
		if contentType == "application/x-amz-cbor-1.1" {
			out = s.putCBOR(body)
			break
		}
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		out = s.putJSON(text)
	}
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(out)),
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(out))}, nil
}

const sequence = "49590338271490256608559692538361571095921575989136588898"

// where returns the shard of an entry.
func (s *instant) where(hashKey, partitionKey string) int {
	if hashKey == "" {
		return s.shardOf[partitionKey]
	}
	k, err := hashkey.Parse(hashKey)
	if err != nil {
		panic(err)
	}
	return int(k.Hi >> 62)
}

// putJSON reads what the SDK writes: the members of an entry stand in the order of the alphabet.
func (s *instant) putJSON(body []byte) []byte {
	out := append(make([]byte, 0, 64<<10), `{"FailedRecordCount":0,"Records":[`...)
	for first := true; ; first = false {
		i := bytes.Index(body, []byte(`"Data":"`))
		if i < 0 {
			return append(out, `]}`...)
		}
		body = body[i+len(`"Data":"`):]
		body = body[bytes.IndexByte(body, '"')+2:]
		var hashKey []byte
		if rest, ok := bytes.CutPrefix(body, []byte(`"ExplicitHashKey":"`)); ok {
			hashKey, body, _ = bytes.Cut(rest, []byte(`",`))
		}
		partitionKey := body[len(`"PartitionKey":"`):]
		partitionKey = partitionKey[:bytes.IndexByte(partitionKey, '"')]
		if !first {
			out = append(out, ',')
		}
		out = append(out, `{"SequenceNumber":"`+sequence+`","ShardId":"shardId-00000000000`...)
		out = strconv.AppendInt(out, int64(s.where(string(hashKey), string(partitionKey))), 10)
		out = append(out, `"}`...)
	}
}

// putCBOR reads maps, arrays and strings of known lengths.
func (s *instant) putCBOR(body *bufio.Reader) []byte {
	out := make([]byte, 0, 64<<10)
	out = append(appendText(append(out, 0xa2), "FailedRecordCount"), 0x00)
	out = appendText(out, "Records")
	c := items{body}
	for range c.head() {
		if c.text() != "Records" {
			c.skip()
			continue
		}
		n := c.head()
		out = binary.BigEndian.AppendUint32(append(out, 0x9a), uint32(n))
		for range n {
			var hashKey, partitionKey string
			for range c.head() {
				switch c.text() {
				case "ExplicitHashKey":
					hashKey = strings.Clone(c.text())
				case "PartitionKey":
					partitionKey = c.text()
				default:
					c.skip()
				}
			}
			shard := shardNames[s.where(hashKey, partitionKey)]
			if s.throttled != nil && shard == *s.throttled {
				out = appendText(appendText(append(out, 0xa1), "ErrorCode"), "ProvisionedThroughputExceededException")
				continue
			}
			out = appendText(appendText(append(out, 0xa2), "SequenceNumber"), sequence)
			out = appendText(appendText(out, "ShardId"), shard)
		}
	}
	return out
}

var shardNames = [benchShards]string{"shardId-000000000000", "shardId-000000000001", "shardId-000000000002", "shardId-000000000003"}

func appendText(out []byte, text string) []byte {
	if len(text) < 24 {
		return append(append(out, 0x60|byte(len(text))), text...)
	}
	return append(append(out, 0x78, byte(len(text))), text...)
}

// items is a document of CBOR. The document is the producer's own: a fault in it ends the test.
type items struct{ in *bufio.Reader }

// head reads the beginning of an item, and returns its length or number of members.
func (c *items) head() int {
	b, err := c.in.ReadByte()
	if err != nil {
		panic(err)
	}
	info := b & 0x1f
	if info < 24 {
		return int(info)
	}
	n := 0
	for range 1 << (info - 24) {
		b, _ := c.in.ReadByte()
		n = n<<8 | int(b)
	}
	return n
}

// text reads a short string. It is good until the next one is read.
func (c *items) text() string {
	b, err := c.in.Peek(c.head())
	if err != nil {
		panic(err)
	}
	c.in.Discard(len(b))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (c *items) skip() { c.in.Discard(c.head()) }
