package consumer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

const testStream = "orders"

// world is a service with a stream, and workers that read it, all in one bubble of virtual time.
type world struct {
	*testing.T
	server *kinesistest.Server
	client *kinesis.Client
	store  leases.Store
	seen   *journal
	put    int // user records put so far
}

// bubble runs a test in virtual time, with a stream of so many shards.
func bubble(t *testing.T, shards int32, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, server: kinesistest.New(), store: leases.NewMemory(), seen: &journal{}}
		w.client = w.server.Kinesis()
		t.Cleanup(func() {
			if err := w.server.Close(); err != nil {
				t.Error(err)
			}
		})
		_, err := w.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: aws.Int32(shards)})
		w.must(err)
		f(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// config is that of a worker which writes what it handles into the journal.
func (w *world) config() Config {
	return Config{
		Application: "billing", Streams: []Stream{{Name: testStream}}, Kinesis: w.client, Leases: w.store,
		Handler: HandlerFunc(func(_ context.Context, b *Batch) error {
			w.seen.add(b)
			return nil
		}),
		Hooks: Hooks{StateChanged: w.seen.state},
	}
}

// worker is a consumer that runs.
type worker struct {
	w    *world
	stop context.CancelFunc
	done chan error
}

func (w *world) start(cfg Config) *worker {
	w.Helper()
	c, err := New(cfg)
	w.must(err)
	return w.run(c)
}

// run runs a consumer.
func (w *world) run(c *Consumer) *worker {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	run := &worker{w: w, stop: cancel, done: make(chan error, 1)}
	var running sync.WaitGroup
	running.Go(func() { run.done <- c.Run(ctx) })
	w.Cleanup(func() { // for tests that fail before they end the worker
		cancel()
		running.Wait()
	})
	return run
}

// end stops the worker and returns what Run returned.
func (r *worker) end() error {
	r.stop()
	return <-r.done
}

func (r *worker) mustEnd() {
	r.w.Helper()
	if err := r.end(); err != nil {
		r.w.Errorf("Run: %v", err)
	}
}

// await waits, in virtual time, until ok.
func (w *world) await(what string, ok func() bool) {
	w.Helper()
	for began := time.Now(); time.Since(began) < 20*time.Minute; time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	w.Fatalf("waited 20 minutes in vain: %s; seen %d of %d\n%s", what, w.seen.count(), w.put, w.seen.story())
}

func (w *world) awaitAll() {
	w.Helper()
	w.await("all records handled", func() bool { return w.seen.count() >= w.put })
}

// putPlain puts one record for each key; its data is a number that counts up over the whole test.
func (w *world) putPlain(keys ...string) {
	w.Helper()
	for _, key := range keys {
		_, err := w.client.PutRecord(w.Context(), &kinesis.PutRecordInput{StreamName: aws.String(testStream), PartitionKey: &key, Data: w.data()})
		w.must(err)
	}
}

func (w *world) data() []byte {
	w.put++
	return fmt.Appendf(nil, "%06d", w.put)
}

// putAggregate puts one aggregate with n records of the key, and returns its sequence number.
func (w *world) putAggregate(key string, n int) string {
	w.Helper()
	var e aggregation.Encoder
	for range n {
		w.must(e.Add(key, "", w.data()))
	}
	return w.putRaw(key, e.AppendTo(nil))
}

func (w *world) putRaw(key string, data []byte) string {
	w.Helper()
	out, err := w.client.PutRecord(w.Context(), &kinesis.PutRecordInput{StreamName: aws.String(testStream), PartitionKey: &key, Data: data})
	w.must(err)
	return *out.SequenceNumber
}

func (w *world) openShards() []types.Shard {
	w.Helper()
	out, err := w.client.ListShards(w.Context(), &kinesis.ListShardsInput{StreamName: aws.String(testStream)})
	w.must(err)
	open := slices.DeleteFunc(out.Shards, func(s types.Shard) bool { return s.SequenceNumberRange.EndingSequenceNumber != nil })
	slices.SortFunc(open, func(a, b types.Shard) int { return w.parse(a).Compare(w.parse(b)) })
	return open
}

func (w *world) parse(s types.Shard) hashkey.Key {
	w.Helper()
	key, err := hashkey.Parse(*s.HashKeyRange.StartingHashKey)
	w.must(err)
	return key
}

// keyOfEachShard returns, for each open shard, a partition key that belongs to it.
func (w *world) keyOfEachShard() []string {
	w.Helper()
	found := make([]string, 0, len(w.openShards()))
	for _, s := range w.openShards() {
		span, err := hashkey.ParseRange(*s.HashKeyRange.StartingHashKey, *s.HashKeyRange.EndingHashKey)
		w.must(err)
		for n := 0; ; n++ {
			if key := fmt.Sprintf("of-shard-%d", n); span.Contains(hashkey.Of(key)) {
				found = append(found, key)
				break
			}
		}
	}
	return found
}

// split splits the i-th open shard in about the middle.
func (w *world) split(i int) {
	w.Helper()
	s := w.openShards()[i]
	low := w.parse(s)
	high, err := hashkey.Parse(*s.HashKeyRange.EndingHashKey)
	w.must(err)
	middle := hashkey.Key{Hi: low.Hi/2 + high.Hi/2 + 1}
	_, err = w.client.SplitShard(w.Context(), &kinesis.SplitShardInput{StreamName: aws.String(testStream), ShardToSplit: s.ShardId, NewStartingHashKey: aws.String(middle.String())})
	w.must(err)
}

// merge merges the i-th open shard with the one after it.
func (w *world) merge(i int) {
	w.Helper()
	open := w.openShards()
	_, err := w.client.MergeShards(w.Context(), &kinesis.MergeShardsInput{StreamName: aws.String(testStream), ShardToMerge: open[i].ShardId, AdjacentShardToMerge: open[i+1].ShardId})
	w.must(err)
}

// lease returns a shard's lease.
func (w *world) lease(shard string) leases.Lease {
	w.Helper()
	row, err := w.store.Get(w.Context(), shard)
	w.must(err)
	return row
}

func shardID(n int) string { return fmt.Sprintf("shardId-%012d", n) }

// journal is what handlers and hooks saw, in order.
type journal struct {
	mu      sync.Mutex
	records []entry
	events  []string // a shard's "begin" before its first batch, and its states
}

type entry struct {
	Record
	shard string
}

func (j *journal) add(b *Batch) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.events, b.Shard.ID+" handled") {
		j.events = append(j.events, b.Shard.ID+" handled")
	}
	for _, r := range b.Records {
		r.Data = slices.Clone(r.Data)
		j.records = append(j.records, entry{Record: r, shard: b.Shard.ID})
	}
}

func (j *journal) state(s Shard, from, to State) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !from.leadsTo(to) {
		j.events = append(j.events, fmt.Sprintf("%s IMPOSSIBLE %v to %v", s.ID, from, to))
	}
	j.events = append(j.events, s.ID+" "+to.String())
}

func (j *journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.records)
}

func (j *journal) all() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.records)
}

func (j *journal) data() []string {
	var texts []string
	for _, e := range j.all() {
		texts = append(texts, string(e.Data))
	}
	return texts
}

// distinct returns the texts of all records, each where it was handled first.
func (j *journal) distinct() (texts []string) {
	known := make(map[string]bool)
	for _, e := range j.all() {
		if !known[string(e.Data)] {
			known[string(e.Data)] = true
			texts = append(texts, string(e.Data))
		}
	}
	return texts
}

func (j *journal) story() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.events, "\n")
}

func (j *journal) has(event string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Contains(j.events, event)
}

// at returns when, counted in events, something happened; -1: never.
func (j *journal) at(event string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Index(j.events, event)
}

// verify checks that every record was handled exactly once, and those of each key in the order in which they were put.
func (w *world) verify() {
	w.Helper()
	last := make(map[string]string)
	times := make(map[string]int)
	for _, e := range w.seen.all() {
		times[string(e.Data)]++
		if string(e.Data) < last[e.PartitionKey] {
			w.Errorf("key %s: record %s was handled after %s", e.PartitionKey, e.Data, last[e.PartitionKey])
		}
		last[e.PartitionKey] = string(e.Data)
	}
	for n := 1; n <= w.put; n++ {
		if text := fmt.Sprintf("%06d", n); times[text] != 1 {
			w.Errorf("record %s was handled %d times", text, times[text])
		}
	}
	if strings.Contains(w.seen.story(), "IMPOSSIBLE") {
		w.Error(w.seen.story())
	}
}

// verifyFirsts checks that every record was handled, and each key's in the order in which they were put, repetitions aside.
func (w *world) verifyFirsts() {
	w.Helper()
	last, known := make(map[string]string), make(map[string]bool)
	for _, e := range w.seen.all() {
		text := string(e.Data)
		if known[text] {
			continue
		}
		known[text] = true
		if text < last[e.PartitionKey] {
			w.Errorf("key %s: record %s was first handled after %s", e.PartitionKey, text, last[e.PartitionKey])
		}
		last[e.PartitionKey] = text
	}
	if len(known) != w.put {
		w.Errorf("%d records handled of %d", len(known), w.put)
	}
}

// verifyLineage checks that no shard began before all of its parents had ended.
func (w *world) verifyLineage() {
	w.Helper()
	out, err := w.client.ListShards(w.Context(), &kinesis.ListShardsInput{StreamName: aws.String(testStream)})
	w.must(err)
	for _, s := range out.Shards {
		for _, parent := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			began := w.seen.at(*s.ShardId + " opening")
			if parent != nil && began >= 0 && (w.seen.at(*parent+" ended") < 0 || w.seen.at(*parent+" ended") > began) {
				w.Errorf("%s began before its parent %s had ended\n%s", *s.ShardId, *parent, w.seen.story())
			}
		}
	}
}

// tamper is a transport that can fail, hold or count the calls of one operation on their way to the server.
type tamper struct {
	next http.RoundTripper
	mu   sync.Mutex
	// before may answer instead of the server the n-th call of an operation.
	before func(op string, n int, req *http.Request) (*http.Response, error)
	// after may change the server's answer.
	after func(op string, n int, res *http.Response)
	calls map[string][]time.Time
}

func (m *tamper) RoundTrip(req *http.Request) (*http.Response, error) {
	_, op, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	m.mu.Lock()
	m.calls[op] = append(m.calls[op], time.Now())
	n := len(m.calls[op])
	m.mu.Unlock()
	if m.before != nil {
		if res, err := m.before(op, n, req); res != nil || err != nil {
			return res, err
		}
	}
	res, err := m.next.RoundTrip(req)
	if err == nil && m.after != nil {
		m.after(op, n, res)
	}
	return res, err
}

// times returns when an operation was called.
func (m *tamper) times(op string) []time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls[op])
}

// asJSON returns a document of the wire, which is in CBOR as a rule, in JSON.
func asJSON(contentType string, doc []byte) []byte {
	if !strings.Contains(contentType, "cbor") {
		return doc
	}
	var v any
	if err := cbor.Unmarshal(doc, &v); err != nil {
		panic(err)
	}
	out, err := json.Marshal(inJSON(v))
	if err != nil {
		panic(err)
	}
	return out
}

func inJSON(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any)
		for name, value := range v {
			m[name.(string)] = inJSON(value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = inJSON(v[i])
		}
	case time.Time:
		return float64(v.Unix()) / 1000 // the library takes the milliseconds for seconds
	}
	return v
}

// rewrite changes the members of a reply, which is in JSON from then on.
func rewrite(res *http.Response, change func(members map[string]json.RawMessage)) {
	body, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	_ = res.Body.Close()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(asJSON(res.Header.Get("Content-Type"), body), &members); err != nil {
		panic(err)
	}
	change(members)
	if body, err = json.Marshal(members); err != nil {
		panic(err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", strconv.Itoa(len(body)))
	res.Header.Set("Content-Type", "application/x-amz-json-1.1")
}

// tampered returns a client whose calls go through the returned transport.
func (w *world) tampered() (*kinesis.Client, *tamper) {
	m := &tamper{next: w.server.HTTPClient().Transport, calls: make(map[string][]time.Time)}
	return kinesis.New(w.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: m} }), m
}

// failure is a reply of the service with an error.
func failure(req *http.Request, status int, code string) *http.Response {
	body := fmt.Sprintf(`{"__type":%q,"message":"by the test"}`, code)
	return &http.Response{
		StatusCode: status, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// gate lets a handler be held up.
type gate struct {
	waiting atomic.Int32
	open    chan struct{}
}

func newGate() *gate { return &gate{open: make(chan struct{})} }

// pass waits until the gate is open or ctx ends.
func (g *gate) pass(ctx context.Context) error {
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	select {
	case <-g.open:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errHandler = errors.New("the handler cannot")
