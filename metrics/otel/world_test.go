package otel_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const stream = "orders"

// world is a stream of two shards in virtual time, with a producer and a worker.
type world struct {
	*testing.T
	srv     *kinesistest.Server
	records int // that are put
}

func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, srv: kinesistest.New(), records: 100}
		defer w.srv.Close()
		_, err := w.srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(stream), ShardCount: aws.Int32(2)})
		w.must(err)
		test(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// produce puts the records, of which the service throttles the first request.
func (w *world) produce(hooks producer.Hooks, watch func(*producer.Producer)) {
	w.Helper()
	w.srv.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Throttle()})
	p, err := producer.New(producer.Config{Kinesis: w.srv.Kinesis(), Stream: stream, Hooks: hooks})
	w.must(err)
	watch(p)
	time.Sleep(time.Second) // until the shards are known
	records := make([]producer.Record, w.records)
	for i := range records {
		records[i] = producer.Record{PartitionKey: fmt.Sprint("key-", i), Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	_, err = p.PutSync(w.Context(), records...)
	w.must(err)
	w.must(p.Close(w.Context()))
}

// consume runs a worker for two minutes. Its handler fails once for each shard, and reads are throttled once. look is called before it stops.
func (w *world) consume(hooks consumer.Hooks, wrap func(consumer.Handler) consumer.Handler, look func()) {
	w.Helper()
	w.srv.Inject(kinesistest.Fault{Operation: "GetRecords", Count: 1, Do: kinesistest.Throttle()})
	var mu sync.Mutex
	failed, done := make(map[string]bool), 0
	handler := consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		if !failed[b.Shard.ID] {
			failed[b.Shard.ID] = true
			return errors.New("not today")
		}
		done += len(b.Records)
		return nil
	})
	c, err := consumer.New(consumer.Config{
		Application: "billing", Streams: []consumer.Stream{{Name: stream}}, Kinesis: w.srv.Kinesis(), Leases: leases.NewMemory(),
		Handler: wrap(handler), Hooks: hooks,
	})
	w.must(err)
	ctx, stop := context.WithCancel(w.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	time.Sleep(2 * time.Minute)
	look()
	stop()
	running.Wait()
	if done != w.records {
		w.Errorf("%d of %d records handled", done, w.records)
	}
}
