package metricstest

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

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

// Stream is the name of the stream.
const Stream = "orders"

// A World is the stream, in a bubble of virtual time.
type World struct {
	*testing.T
	Server  *kinesistest.Server
	Records int // how many Produce puts
}

// In runs a test in a world of its own.
func In(t *testing.T, test func(w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &World{T: t, Server: kinesistest.New(), Records: 100}
		defer func() { w.Must(w.Server.Close()) }()
		_, err := w.Server.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(Stream), ShardCount: aws.Int32(2)})
		w.Must(err)
		test(w)
	})
}

// Must ends the test if there is an error.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Produce puts the records, of which the service throttles the first request.
func (w *World) Produce(hooks producer.Hooks, watch func(*producer.Producer)) {
	w.Helper()
	w.Server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Throttle()})
	p, err := producer.New(producer.Config{Kinesis: w.Server.Kinesis(), Stream: Stream, Hooks: hooks})
	w.Must(err)
	watch(p)
	time.Sleep(time.Second) // until the shards are known
	records := make([]producer.Record, w.Records)
	for i := range records {
		records[i] = producer.Record{PartitionKey: fmt.Sprint("key-", i), Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	_, err = p.PutSync(w.Context(), records...)
	w.Must(err)
	w.Must(p.Close(w.Context()))
}

// Consume runs a worker for two minutes. Its handler fails once for each shard, and reads are throttled once. look is called before it stops.
func (w *World) Consume(hooks consumer.Hooks, wrap func(consumer.Handler) consumer.Handler, look func()) {
	w.Helper()
	w.Server.Inject(kinesistest.Fault{Operation: "GetRecords", Count: 1, Do: kinesistest.Throttle()})
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
		Application: "billing", Streams: []consumer.Stream{{Name: Stream}}, Kinesis: w.Server.Kinesis(), Leases: leases.NewMemory(),
		Handler: wrap(handler), Hooks: hooks,
	})
	w.Must(err)
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
	if done != w.Records {
		w.Errorf("%d of %d records handled", done, w.Records)
	}
}
