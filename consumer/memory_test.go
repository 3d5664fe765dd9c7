package consumer

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// heap returns the bytes of live objects.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bigReply is a GetRecords reply in JSON with 10 MiB of data, or nearly.
func bigReply() []byte {
	var b bytes.Buffer
	b.WriteString(`{"MillisBehindLatest":100000,"NextShardIterator":"next","Records":[`)
	data := base64.StdEncoding.EncodeToString(make([]byte, 1<<20-100))
	for i := range 10 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"SequenceNumber":"4950000000000000000000000000000000000000000000000000000%d","PartitionKey":"k","ApproximateArrivalTimestamp":1,"Data":"%s"}`, i, data)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func TestRepliesOfTenMiBOnAHundredShardsStayWithinTheBudgetWhileAHandlerIsStuck(t *testing.T) {
	reply := bigReply()
	bubble(t, 100, func(w *world) {
		client, calls := w.tampered()
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			if op != "GetRecords" {
				return nil, nil
			}
			return &http.Response{
				StatusCode: http.StatusOK, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(reply)),
				Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(bytes.NewReader(reply)),
			}, nil
		}
		stuck := newGate()
		cfg := w.config()
		cfg.Kinesis, cfg.Protocol = client, JSON
		cfg.MaxBufferedBytes = 64 << 20
		cfg.ShutdownTimeout = time.Second
		cfg.Handler = HandlerFunc(func(ctx context.Context, _ *Batch) error { return stuck.pass(ctx) })
		before := heap()
		c, run := w.launch(cfg)
		w.await("all shards", func() bool { return len(w.held(c)) == 100 })
		time.Sleep(time.Minute)
		used, live := c.Snapshot().BufferedBytes, heap()-before
		if stuck.waiting.Load() < 2 || used > int64(cfg.MaxBufferedBytes) {
			t.Errorf("%d handlers are stuck, %d bytes reserved", stuck.waiting.Load(), used)
		}
		// What a hundred shards have besides (clients, goroutines, leases) is not fetched data.
		if slack := int64(16 << 20); live > int64(cfg.MaxBufferedBytes)+slack {
			t.Errorf("%d bytes live, the budget is %d", live, cfg.MaxBufferedBytes)
		}
		t.Logf("%d MiB reserved, %d MiB live of %d", used>>20, live>>20, cfg.MaxBufferedBytes>>20)
		run.mustEnd()
	})
}

// millions is how many members the largest aggregate has; each takes six bytes.
const millions = 1_000_000

func TestAnAggregateOfAMillionMembersIsTakenApartInSteps(t *testing.T) {
	body := []byte("\x0a\x01k" + strings.Repeat("\x1a\x04\x08\x00\x1a\x00", millions))
	aggregate := seal(body)
	for _, lanes := range []int{1, 4} {
		bubble(t, 1, func(w *world) {
			cfg := w.config()
			cfg.Concurrency = lanes
			cfg.MaxBufferedBytes = 64 << 20
			var records, most atomic.Int64
			batches := 0
			var c *Consumer
			cfg.Handler = HandlerFunc(func(_ context.Context, b *Batch) error { // one key, so one at a time
				if batches++; batches%100 == 50 {
					most.Store(max(most.Load(), heap()-c.budget.used()))
				}
				records.Add(int64(len(b.Records)))
				return nil
			})
			facts, err := w.client.DescribeStreamSummary(w.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: aws.String(testStream)})
			w.must(err)
			_, err = w.client.UpdateMaxRecordSize(w.Context(), &kinesis.UpdateMaxRecordSizeInput{
				StreamARN: facts.StreamDescriptionSummary.StreamARN, MaxRecordSizeInKiB: aws.Int32(10 << 10),
			})
			w.must(err)
			time.Sleep(time.Minute)
			w.putRaw("k", aggregate)
			before := heap()
			c, err = New(cfg)
			w.must(err)
			run := w.run(c)
			w.await("all members", func() bool { return c.Snapshot().BufferedBytes == 0 && records.Load() == millions })
			run.mustEnd()
			// Beyond what is reserved there is nothing that grows with the members: a Record for each would be 100 MB.
			if grown := most.Load() - before; grown > 8<<20 {
				t.Errorf("%d lanes: %d bytes live beyond what is reserved", lanes, grown)
			}
		})
	}
}

func TestWhatIsReservedCoversTheDecodedRecordsAndIsGivenBack(t *testing.T) {
	for name, s := range map[string]Shape{
		"one lane": {Concurrency: 1, MaxRecords: 1000}, "four": {Concurrency: 4, MaxRecords: 1000}, "raw": {Raw: true, Concurrency: 1, MaxRecords: 1000},
	} {
		plainPage, aggregatePage := s.apart(make([]types.Record, 7)), s.apart(bigPage(t)[:1])
		if plainPage != 7*s.user() {
			t.Errorf("%s: %d bytes for plain records", name, plainPage)
		}
		if want := int64(s.inAir()) * s.user(); !s.Raw && aggregatePage < want || s.Raw && aggregatePage != s.user() {
			t.Errorf("%s: %d bytes for an aggregate", name, aggregatePage)
		}
		if most := s.room(); most < maxReplyMemory+aggregatePage {
			t.Errorf("%s: room of %d bytes before a call", name, most)
		}
	}
}
