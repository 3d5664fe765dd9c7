package producer_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/internal/hashkey"
)

// instant is a service that answers at once. Of a request it reads what it must know for a true answer: to which shard each entry goes.
type instant struct {
	shardOf map[string]int // by partition key, of entries without explicit hash key
	listing []byte
	bodies  sync.Pool
}

func newInstant(keys []string) *instant {
	s := &instant{shardOf: make(map[string]int), bodies: sync.Pool{New: func() any { return new(bytes.Buffer) }}}
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
	buf := s.bodies.Get().(*bytes.Buffer)
	defer s.bodies.Put(buf)
	buf.Reset()
	if _, err := buf.ReadFrom(req.Body); err != nil {
		return nil, err
	}
	req.Body.Close()
	var out []byte
	contentType := req.Header.Get("Content-Type")
	switch req.Header.Get("X-Amz-Target") {
	case "Kinesis_20131202.ListShards":
		out = s.listing
	case "Kinesis_20131202.DescribeStreamSummary":
		out = []byte(`{"StreamDescriptionSummary":{"StreamName":"orders","StreamStatus":"ACTIVE","OpenShardCount":4}}`)
	case "Kinesis_20131202.PutRecords":
		if contentType == "application/x-amz-cbor-1.1" {
			out = s.putCBOR(buf.Bytes())
		} else {
			out = s.putJSON(buf.Bytes())
		}
	}
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: req, ContentLength: int64(len(out)),
		Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(bytes.NewReader(out))}, nil
}

const sequence = "49590338271490256608559692538361571095921575989136588898"

// where returns the shard of an entry.
func (s *instant) where(hashKey, partitionKey []byte) int {
	if hashKey == nil {
		return s.shardOf[string(partitionKey)]
	}
	k, err := hashkey.Parse(string(hashKey))
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
		out = strconv.AppendInt(out, int64(s.where(hashKey, partitionKey)), 10)
		out = append(out, `"}`...)
	}
}

// putCBOR reads maps, arrays and strings of known lengths.
func (s *instant) putCBOR(body []byte) []byte {
	out := make([]byte, 0, 64<<10)
	out = append(appendText(append(out, 0xa2), "FailedRecordCount"), 0x00)
	out = appendText(out, "Records")
	c := items{body}
	for range c.head() {
		if string(c.text()) != "Records" {
			c.text()
			continue
		}
		n := c.head()
		out = binary.BigEndian.AppendUint32(append(out, 0x9a), uint32(n))
		for range n {
			var hashKey, partitionKey []byte
			for range c.head() {
				switch member := string(c.text()); member {
				case "ExplicitHashKey":
					hashKey = c.text()
				case "PartitionKey":
					partitionKey = c.text()
				default:
					c.text()
				}
			}
			out = appendText(appendText(append(out, 0xa2), "SequenceNumber"), sequence)
			out = appendText(appendText(out, "ShardId"), "shardId-00000000000"+strconv.Itoa(s.where(hashKey, partitionKey)))
		}
	}
	return out
}

func appendText(out []byte, text string) []byte {
	if len(text) < 24 {
		return append(append(out, 0x60|byte(len(text))), text...)
	}
	return append(append(out, 0x78, byte(len(text))), text...)
}

// items is a document of CBOR.
type items struct{ left []byte }

// head reads the beginning of an item, and returns its length or number of members.
func (c *items) head() int {
	info := c.left[0] & 0x1f
	c.left = c.left[1:]
	if info < 24 {
		return int(info)
	}
	n := 0
	for range 1 << (info - 24) {
		n = n<<8 | int(c.left[0])
		c.left = c.left[1:]
	}
	return n
}

// text reads a string of text or bytes.
func (c *items) text() []byte {
	n := c.head()
	text := c.left[:n]
	c.left = c.left[n:]
	return text
}
