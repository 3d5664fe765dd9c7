//go:build unix

package integration

import (
	"context"
	"crypto/md5"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkcloudwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/metrics/cloudwatch"
	"github.com/penstock-go/penstock/metrics/otel"
	"github.com/penstock-go/penstock/metrics/prometheus"
	"github.com/penstock-go/penstock/producer"
)

// Of the benchmark: what a turn does. Clients and the service are left out of it, so that the share of the hooks is the greatest it can be.
const (
	overheadTurns   = 12
	overheadPuts    = 400_000
	overheadReads   = 300 // pages
	overheadMembers = 500 // of an aggregate
)

// adapter is a system of metrics, or none.
type adapter struct {
	name  string
	hooks func(b *testing.B) (producer.Hooks, consumer.Hooks)
}

var adapters = []adapter{
	{"none", func(*testing.B) (p producer.Hooks, c consumer.Hooks) { return p, c }},
	{"prometheus", func(*testing.B) (producer.Hooks, consumer.Hooks) {
		m := prometheus.New()
		return m.Producer(stream), m.Consumer()
	}},
	{"otel", func(b *testing.B) (producer.Hooks, consumer.Hooks) {
		m, err := otel.New(metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())))
		if err != nil {
			b.Fatal(err)
		}
		return m.Producer(stream), m.Consumer()
	}},
	{"cloudwatch", func(b *testing.B) (producer.Hooks, consumer.Hooks) {
		m, err := cloudwatch.New(cloudwatch.Config{Client: accepting{}, Namespace: "n", Level: cloudwatch.Detailed, Shards: true, Interval: time.Second})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = m.Close(context.Background()) })
		return m.Producer(stream), m.Consumer()
	}},
}

// accepting is a CloudWatch that takes everything.
type accepting struct{}

func (accepting) PutMetricData(context.Context, *sdkcloudwatch.PutMetricDataInput, ...func(*sdkcloudwatch.Options)) (*sdkcloudwatch.PutMetricDataOutput, error) {
	return &sdkcloudwatch.PutMetricDataOutput{}, nil
}

// BenchmarkMetrics measures the processor time of producer and consumer at full speed with each adapter and, turn by turn, without. Of each
// the median counts, since a shared machine slows single turns down.
func BenchmarkMetrics(b *testing.B) {
	for _, side := range []struct {
		name string
		turn func(b *testing.B, p producer.Hooks, c consumer.Hooks) time.Duration
	}{
		{"producer", func(b *testing.B, p producer.Hooks, _ consumer.Hooks) time.Duration { return produceFast(b, p) }},
		{"consumer", func(b *testing.B, _ producer.Hooks, c consumer.Hooks) time.Duration { return consumeFast(b, c) }},
	} {
		b.Run(side.name, func(b *testing.B) {
			times := make(map[string][]time.Duration)
			for b.Loop() {
				for turn := range overheadTurns {
					for i := range adapters { // each adapter in each place, since what ran before leaves its garbage
						a := adapters[(i+turn)%len(adapters)]
						p, c := a.hooks(b)
						runtime.GC()
						times[a.name] = append(times[a.name], side.turn(b, p, c))
					}
				}
			}
			floor := median(times["none"])
			for _, a := range adapters[1:] {
				b.ReportMetric(100*(float64(median(times[a.name]))/float64(floor)-1), a.name+"-%")
			}
			b.ReportMetric(floor.Seconds()*1000, "ms/turn")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// instant is a service at the producer's and the consumer's interfaces that answers at once.
type instant struct {
	bits  uint // of the hash key that say which shard: 2 are four shards
	page  []types.Record
	reads atomic.Int64
	at    atomic.Int64 // the sequence number given last
	done  chan struct{}
	once  sync.Once
}

func (s *instant) ListShards(context.Context, *kinesis.ListShardsInput, ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	out := &kinesis.ListShardsOutput{}
	for i := range uint64(1) << s.bits {
		below := 64 - s.bits
		start, end := hashkey.Key{Hi: i << below}, hashkey.Key{Hi: i<<below | (1<<below - 1), Lo: 1<<64 - 1}
		out.Shards = append(out.Shards, types.Shard{
			ShardId:             aws.String(shardName(i)),
			HashKeyRange:        &types.HashKeyRange{StartingHashKey: aws.String(start.String()), EndingHashKey: aws.String(end.String())},
			SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String("1")},
		})
	}
	return out, nil
}

func shardName(i uint64) string { return fmt.Sprintf("shardId-%012d", i) }

func (s *instant) DescribeStreamSummary(context.Context, *kinesis.DescribeStreamSummaryInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamSummaryOutput, error) {
	return &kinesis.DescribeStreamSummaryOutput{StreamDescriptionSummary: &types.StreamDescriptionSummary{
		StreamName: aws.String(stream), StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/" + stream), StreamStatus: types.StreamStatusActive,
		OpenShardCount: aws.Int32(1 << s.bits), StreamCreationTimestamp: aws.Time(time.Unix(1, 0)),
	}}, nil
}

func (s *instant) PutRecords(_ context.Context, in *kinesis.PutRecordsInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
	out := &kinesis.PutRecordsOutput{FailedRecordCount: aws.Int32(0), Records: make([]types.PutRecordsResultEntry, len(in.Records))}
	for i, r := range in.Records {
		at := hashkey.Of(aws.ToString(r.PartitionKey))
		if r.ExplicitHashKey != nil {
			at, _ = hashkey.Parse(*r.ExplicitHashKey)
		}
		out.Records[i] = types.PutRecordsResultEntry{ShardId: aws.String(shardName(at.Hi >> (64 - s.bits))), SequenceNumber: aws.String("49590338271490256608559692538361571095921575989136588898")}
	}
	return out, nil
}

func produceFast(b *testing.B, hooks producer.Hooks) time.Duration {
	b.Helper()
	p, err := producer.New(producer.Config{Kinesis: &instant{bits: 2}, Stream: stream, Hooks: hooks})
	if err != nil {
		b.Fatal(err)
	}
	keys, data := make([]string, 10_000), make([]byte, 100)
	for i := range keys {
		keys[i] = fmt.Sprintf("%08d-0000-4000-8000-%012d", i, i)
	}
	began := processorTime(b)
	var putters sync.WaitGroup
	for g := range 4 {
		putters.Go(func() {
			for i := g; i < overheadPuts; i += 4 {
				if err := p.Put(context.Background(), producer.Record{PartitionKey: keys[i%len(keys)], Data: data}, nil); err != nil {
					b.Error(err)
				}
			}
		})
	}
	putters.Wait()
	if err := p.Close(context.Background()); err != nil {
		b.Error(err)
	}
	return processorTime(b) - began
}

func (s *instant) GetShardIterator(context.Context, *kinesis.GetShardIteratorInput, ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	return &kinesis.GetShardIteratorOutput{ShardIterator: aws.String("i")}, nil
}

// GetRecords gives a page of aggregates until so many were given, and then nothing.
func (s *instant) GetRecords(context.Context, *kinesis.GetRecordsInput, ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	out := &kinesis.GetRecordsOutput{NextShardIterator: aws.String("i"), MillisBehindLatest: aws.Int64(1000)}
	if s.reads.Add(1) > overheadReads {
		out.MillisBehindLatest = aws.Int64(0)
		return out, nil
	}
	out.Records = slices.Clone(s.page)
	for i := range out.Records {
		out.Records[i].SequenceNumber = aws.String(fmt.Sprintf("495903382714902564168%035d", s.at.Add(1)))
	}
	return out, nil
}

func (s *instant) SubscribeToShard(context.Context, *kinesis.SubscribeToShardInput, ...func(*kinesis.Options)) (*kinesis.SubscribeToShardOutput, error) {
	return nil, fmt.Errorf("not here")
}

func (s *instant) RegisterStreamConsumer(context.Context, *kinesis.RegisterStreamConsumerInput, ...func(*kinesis.Options)) (*kinesis.RegisterStreamConsumerOutput, error) {
	return nil, fmt.Errorf("not here")
}

func (s *instant) DescribeStreamConsumer(context.Context, *kinesis.DescribeStreamConsumerInput, ...func(*kinesis.Options)) (*kinesis.DescribeStreamConsumerOutput, error) {
	return nil, fmt.Errorf("not here")
}

// page is ten aggregates, half a megabyte: what a shard takes in half a second.
func overheadPage(b *testing.B) (page []types.Record) {
	b.Helper()
	for range 10 {
		var e aggregation.Encoder
		for i := range overheadMembers {
			if err := e.Add(fmt.Sprint("key-", i), "", make([]byte, 80)); err != nil {
				b.Fatal(err)
			}
		}
		page = append(page, types.Record{PartitionKey: aws.String("a"), Data: e.AppendTo(nil), ApproximateArrivalTimestamp: aws.Time(time.Now())})
	}
	return page
}

func consumeFast(b *testing.B, hooks consumer.Hooks) time.Duration {
	b.Helper()
	// A shard is read five times a second at most: so many keep the processor busy.
	s := &instant{bits: 6, page: overheadPage(b), done: make(chan struct{})}
	var handled, sum atomic.Int64
	c, err := consumer.New(consumer.Config{
		Application: application, Streams: []consumer.Stream{{Name: stream}}, Kinesis: s, Leases: leases.NewMemory(), Hooks: hooks,
		Handler: consumer.HandlerFunc(func(_ context.Context, batch *consumer.Batch) error {
			one := md5.Sum(batch.Records[0].Data)
			sum.Add(int64(one[0]))
			if handled.Add(int64(len(batch.Records))) == overheadReads*10*overheadMembers {
				s.once.Do(func() { close(s.done) })
			}
			return nil
		}),
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	began := processorTime(b)
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	<-s.done
	stop()
	running.Wait()
	return processorTime(b) - began
}
