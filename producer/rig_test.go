package producer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stream = "orders"

// rig is a stream on the emulator, and a client to it whose requests a test can spoil.
type rig struct {
	t      testing.TB
	server *kinesistest.Server
	direct *kinesis.Client // sees no faults
	client *kinesis.Client // for the producer
	faults *faults
}

func newRig(t testing.TB, shardCount int) *rig {
	r := &rig{t: t, server: kinesistest.New(kinesistest.WithOracle(0))}
	t.Cleanup(func() { r.server.Close() })
	r.direct = r.server.Kinesis()
	r.faults = &faults{next: r.server.HTTPClient().Transport, calls: make(map[string]int)}
	r.client = kinesis.New(r.direct.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: r.faults} })
	if shardCount > 0 {
		r.create(shardCount)
	}
	return r
}

func (r *rig) create(shardCount int) {
	r.t.Helper()
	_, err := r.direct.CreateStream(context.Background(), &kinesis.CreateStreamInput{StreamName: aws.String(stream), ShardCount: aws.Int32(int32(shardCount))})
	r.must(err)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// producer makes one that is closed with the test, if the test does not.
func (r *rig) producer(change func(*producer.Config)) *producer.Producer {
	r.t.Helper()
	cfg := producer.Config{Kinesis: r.client, Stream: stream}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(cfg)
	r.must(err)
	r.t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

func (r *rig) split(shard string) {
	r.t.Helper()
	open := r.open()
	i := slices.IndexFunc(open, func(s shards.Shard) bool { return s.ID == shard })
	span := open[i].Range
	// Halves of equal width are not needed; the middle of the high words does.
	middle := hashkey.Key{Hi: span.Start.Hi/2 + span.End.Hi/2, Lo: 1}
	_, err := r.direct.SplitShard(context.Background(), &kinesis.SplitShardInput{StreamName: aws.String(stream),
		ShardToSplit: &shard, NewStartingHashKey: aws.String(middle.String())})
	r.must(err)
}

func (r *rig) merge(a, b string) {
	r.t.Helper()
	_, err := r.direct.MergeShards(context.Background(), &kinesis.MergeShardsInput{StreamName: aws.String(stream), ShardToMerge: &a, AdjacentShardToMerge: &b})
	r.must(err)
}

func (r *rig) all() []shards.Shard {
	r.t.Helper()
	return r.allOf(stream)
}

func (r *rig) allOf(name string) []shards.Shard {
	r.t.Helper()
	id, err := shards.ParseStream(name)
	r.must(err)
	listing, err := shards.List(context.Background(), r.direct, id, nil)
	r.must(err)
	return listing.Shards
}

func (r *rig) open() []shards.Shard { return shards.Open(r.all()) }

// stored is one user record as a consumer finds it.
type stored struct {
	shard, sequence string
	sub             uint64
	aggregated      bool
	key, hashKey    string
	data            string
	dropped         bool // by a consumer that checks ranges, as the KCL does
}

func (s stored) at() string { return fmt.Sprintf("%s/%s/%d", s.shard, s.sequence, s.sub) }

// read returns what the stream holds, shard by shard, each shard in its order.
func (r *rig) read() (records []stored) {
	r.t.Helper()
	for _, shard := range r.all() {
		for _, raw := range r.raw(shard.ID) {
			records = append(records, unpack(r.t, shard, raw)...)
		}
	}
	return records
}

func (r *rig) raw(shard string) []types.Record {
	r.t.Helper()
	return r.rawOf(stream, shard)
}

func (r *rig) rawOf(name, shard string) (records []types.Record) {
	r.t.Helper()
	ctx := context.Background()
	start, err := r.direct.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &name, ShardId: &shard,
		ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	r.must(err)
	for it := start.ShardIterator; it != nil; {
		out, err := r.direct.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it})
		r.must(err)
		records = append(records, out.Records...)
		if it = out.NextShardIterator; len(out.Records) == 0 && aws.ToInt64(out.MillisBehindLatest) == 0 {
			break
		}
	}
	return records
}

func unpack(t testing.TB, shard shards.Shard, raw types.Record) (records []stored) {
	t.Helper()
	base := stored{shard: shard.ID, sequence: *raw.SequenceNumber}
	if !aggregation.IsAggregated(raw.Data) {
		base.key, base.data = *raw.PartitionKey, string(raw.Data)
		return []stored{base}
	}
	users, err := aggregation.Decode(nil, raw.Data)
	if err != nil {
		t.Fatalf("the stream holds an aggregate that cannot be decoded: %v", err)
	}
	dropped := slices.ContainsFunc(users, func(u aggregation.UserRecord) bool {
		hash := hashkey.Of(u.PartitionKey)
		if u.ExplicitHashKey != "" {
			hash, _ = hashkey.Parse(u.ExplicitHashKey)
		}
		return !shard.Range.Contains(hash)
	})
	for _, u := range users {
		s := base
		s.sub, s.key, s.hashKey, s.data, s.aggregated, s.dropped = u.SubSequence, u.PartitionKey, u.ExplicitHashKey, string(u.Data), true, dropped
		records = append(records, s)
	}
	return records
}

// faults is a transport that spoils requests. The rules are asked in their order; the first that answers decides.
type faults struct {
	next http.RoundTripper
	gate sync.RWMutex // whoever holds it keeps all requests from the service

	mu    sync.Mutex // guards the fields below
	rules []rule
	calls map[string]int
}

// call is one request, as a rule sees it.
type call struct {
	op   string
	n    int // which of its operation, from 1
	body []byte
	req  *http.Request
	send func() (*http.Response, error) // lets the service have it
	next http.RoundTripper
}

// rule answers a call, or returns nil, nil to let it pass.
type rule func(*call) (*http.Response, error)

func (f *faults) add(r rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
}

func (f *faults) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *faults) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	c := &call{op: op, body: body, req: req, next: gated{f}, send: func() (*http.Response, error) {
		again := req.Clone(req.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		return gated{f}.RoundTrip(again)
	}}
	f.mu.Lock()
	f.calls[op]++
	c.n = f.calls[op]
	rules := slices.Clone(f.rules)
	f.mu.Unlock()
	for _, r := range rules {
		if resp, err := r(c); resp != nil || err != nil {
			return resp, err
		}
	}
	return c.send()
}

// gated passes requests on while the gate is open. The service answers at once, so that who wants the gate has it at once.
type gated struct{ f *faults }

func (g gated) RoundTrip(req *http.Request) (*http.Response, error) {
	g.f.gate.RLock()
	defer g.f.gate.RUnlock()
	return g.f.next.RoundTrip(req)
}

// on makes a rule for the first so many calls of an operation; 0 means all.
func on(op string, first int, do rule) rule {
	var mu sync.Mutex
	done := 0
	return func(c *call) (*http.Response, error) {
		if c.op != op {
			return nil, nil
		}
		mu.Lock()
		done++
		over := first > 0 && done > first
		mu.Unlock()
		if over {
			return nil, nil
		}
		return do(c)
	}
}

// refuse answers with an error of the service.
func refuse(code string, status int) rule {
	return func(c *call) (*http.Response, error) {
		return reply(c, status, fmt.Sprintf(`{"__type":%q,"message":"of key secret-key"}`, code)), nil
	}
}

// reset lets the service have the request, and the client no reply.
func reset(c *call) (*http.Response, error) {
	resp, err := c.send()
	if err == nil {
		resp.Body.Close()
	}
	return nil, io.ErrUnexpectedEOF
}

// hang lets the service have the request, and the client wait until it gives up.
func hang(c *call) (*http.Response, error) {
	resp, err := c.send()
	if err == nil {
		resp.Body.Close()
	}
	<-c.req.Context().Done()
	return nil, c.req.Context().Err()
}

// throttleSome fails about half of the entries.
func throttleSome() rule {
	return throttle(func(int) bool { return rand.IntN(2) == 0 })
}

// throttle fails those entries of a PutRecords that are chosen by their index, as the service does, and sends it the others.
func throttle(chosen func(i int) bool) rule {
	return throttleEntries(func(i int, _ types.PutRecordsRequestEntry) bool { return chosen(i) })
}

// throttleEntries is throttle for who must see the entries. Each is asked about once.
func throttleEntries(chosen func(i int, e types.PutRecordsRequestEntry) bool) rule {
	return func(c *call) (*http.Response, error) {
		var in struct {
			Records    []cbor.RawMessage
			StreamName string
		}
		if err := cbor.Unmarshal(c.body, &in); err != nil {
			return nil, err
		}
		var pass []cbor.RawMessage
		refused := make([]bool, len(in.Records))
		for i, raw := range in.Records {
			var e types.PutRecordsRequestEntry
			if err := cbor.Unmarshal(raw, &e); err != nil {
				return nil, err
			}
			if refused[i] = chosen(i, e); !refused[i] {
				pass = append(pass, raw)
			}
		}
		var out struct{ Records []map[string]any }
		if len(pass) > 0 {
			in.Records = pass
			body, _ := cbor.Marshal(in)
			again := c.req.Clone(c.req.Context())
			again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			resp, err := c.next.RoundTrip(again)
			if err != nil {
				return nil, err
			}
			if resp.StatusCode != http.StatusOK {
				return resp, nil
			}
			if err := cbor.NewDecoder(resp.Body).Decode(&out); err != nil {
				return nil, err
			}
			resp.Body.Close()
		}
		var merged []map[string]any
		for i := range refused {
			if refused[i] {
				merged = append(merged, map[string]any{"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "of key secret-key"})
				continue
			}
			merged = append(merged, out.Records[0])
			out.Records = out.Records[1:]
		}
		text, _ := json.Marshal(map[string]any{"FailedRecordCount": len(refused) - len(pass), "Records": merged})
		return reply(c, http.StatusOK, string(text)), nil
	}
}

// reply is the server's, in JSON whatever the request was in: clients go by the Content-Type.
func reply(c *call, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: c.req,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body))}
}

// results counts the results of many records.
type results struct {
	mu   sync.Mutex // guards the fields below
	byID map[string][]producer.Result
}

func newResults() *results { return &results{byID: make(map[string][]producer.Result)} }

// done returns the callback of the record with this id.
func (r *results) done(id string) func(producer.Result) {
	return func(result producer.Result) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.byID[id] = append(r.byID[id], result)
	}
}

// only returns the one result of a record.
func (r *results) only(t testing.TB, id string) producer.Result {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.byID[id]) != 1 {
		t.Fatalf("record %s has %d results, want exactly one", id, len(r.byID[id]))
	}
	return r.byID[id][0]
}

func (r *results) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.byID)
}

// aggregateOf returns an aggregate of one record.
func aggregateOf(t testing.TB, key, data string) []byte {
	t.Helper()
	var e aggregation.Encoder
	if err := e.Add(key, "", []byte(data)); err != nil {
		t.Fatal(err)
	}
	return e.AppendTo(nil)
}
