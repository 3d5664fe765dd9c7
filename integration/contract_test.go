package integration

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/producer"
)

// What programs outside are compiled against, by name and type. Whoever has to change a line here breaks them.
var (
	_ = aggregation.UserRecord{PartitionKey: "", ExplicitHashKey: "", Data: []byte(nil), SubSequence: uint64(0)}

	_ func([]byte) bool                                                              = aggregation.IsAggregated
	_ func([]aggregation.UserRecord, []byte) ([]aggregation.UserRecord, error)       = aggregation.Decode
	_ func(*aggregation.Encoder, string, string, []byte) error                       = (*aggregation.Encoder).Add
	_ func(*aggregation.Encoder) int                                                 = (*aggregation.Encoder).Len
	_ func(*aggregation.Encoder) int                                                 = (*aggregation.Encoder).Size
	_ func(*aggregation.Encoder, []byte) []byte                                      = (*aggregation.Encoder).AppendTo
	_ func(*aggregation.Encoder)                                                     = (*aggregation.Encoder).Reset
	_ func(checkpoint.Position, checkpoint.Position) int                             = checkpoint.Position.Compare
	_ func(producer.Config) (*producer.Producer, error)                              = producer.New
	_ func(*producer.Producer, context.Context, producer.Record, done) error         = (*producer.Producer).Put
	_ func(*producer.Producer, producer.Record, done) error                          = (*producer.Producer).TryPut
	_ func(*producer.Producer, context.Context, ...producer.Record) (results, error) = (*producer.Producer).PutSync
	_ func(*producer.Producer, context.Context) error                                = (*producer.Producer).Flush
	_ func(*producer.Producer, context.Context) error                                = (*producer.Producer).Close
	_ func(consumer.Config) (*consumer.Consumer, error)                              = consumer.New
	_ func(*consumer.Consumer, context.Context) error                                = (*consumer.Consumer).Run
	_ func(time.Time) consumer.Start                                                 = consumer.At
	_ func(*consumer.Batch, int)                                                     = (*consumer.Batch).Ack
	_ func(*consumer.Batch, context.Context) error                                   = (*consumer.Batch).Checkpoint
	_ func() leases.Store                                                            = leases.NewMemory
	_ func(...kinesistest.Option) *kinesistest.Server                                = kinesistest.New
	_ func(*kinesistest.Server, string) (string, error)                              = (*kinesistest.Server).Listen
	_ func(*kinesistest.Server) *kinesis.Client                                      = (*kinesistest.Server).Kinesis
	_ func(*kinesistest.Server) *dynamodb.Client                                     = (*kinesistest.Server).DynamoDB
	_ func(*kinesistest.Server) error                                                = (*kinesistest.Server).Close
	_ func(consumer.Handler, ...kinesislambda.Option) lambdaFunction                 = kinesislambda.Wrap
	_ func(lambdaFunction, kinesislambda.Mapping) (consumer.Handler, error)          = kinesislambda.Handler[lambdaFunction]
)

type (
	done           = func(producer.Result)
	results        = []producer.Result
	lambdaFunction = func(context.Context, events.KinesisEvent) (events.KinesisEventResponse, error)
)

func TestTheFieldsThatProgramsSetAreThere(t *testing.T) {
	srv := kinesistest.New()
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	p, err := producer.New(producer.Config{
		Kinesis: srv.Kinesis(), Stream: "orders", Linger: time.Second, TTL: time.Minute, MaxBufferedBytes: 1 << 24, MaxBufferedRecords: 1000,
		MaxInFlight: 4, Ordered: true, DisableAggregation: true, Logger: zap.NewNop(), Hooks: producer.Hooks{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
	handler := consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil })
	_, err = consumer.New(consumer.Config{
		Application: "billing", Kinesis: srv.Kinesis(), DynamoDB: srv.DynamoDB(), WorkerID: "one",
		Streams:      []consumer.Stream{{Name: "orders", Start: consumer.Latest, FanOut: true}, {ARN: "arn:aws:kinesis:us-east-1:123456789012:stream/returns", Start: consumer.TrimHorizon}},
		NewHandler:   func(consumer.Shard) (consumer.Handler, error) { return handler, nil },
		FailoverTime: 10 * time.Second, CheckpointInterval: time.Second, PollInterval: time.Second, MaxBatchRecords: 10, MaxBatchBytes: 1 << 20,
		MaxBufferedBytes: 1 << 26, MaxLeases: 10, TableName: "table", ShutdownTimeout: time.Second, Logger: zap.NewNop(), Hooks: consumer.Hooks{},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBatchesAreMadeByUsersToo(t *testing.T) {
	record := consumer.Record{
		PartitionKey: "k", ExplicitHashKey: "", SequenceNumber: "1", SubSequence: 2, Aggregated: true, ApproximateArrival: time.Now(), Data: []byte("d"),
	}
	b := consumer.NewBatch(consumer.Shard{Stream: "orders", ID: "shardId-000000000000", Parents: []string{"shardId-000000000001"}}, []consumer.Record{record})
	if b.Shard.ID != "shardId-000000000000" || len(b.Records) != 1 || b.MillisBehindLatest != 0 {
		t.Errorf("%+v", b)
	}
	r := producer.Result{ShardID: "s", SequenceNumber: "1", SubSequence: 2, Attempts: []producer.Attempt{{}}, Err: producer.ErrBufferFull}
	if r.Err == nil || len(r.Attempts) != 1 {
		t.Errorf("%+v", r)
	}
}
