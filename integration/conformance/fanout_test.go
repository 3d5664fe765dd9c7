package conformance

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// consumer registers a consumer and waits for it.
func (p *place) consumer(stream *string) *string {
	in := &kinesis.RegisterStreamConsumerInput{StreamARN: p.summary(stream).StreamARN, ConsumerName: aws.String("reader")}
	arn := need(p.Kinesis.RegisterStreamConsumer(p.ctx, in)).Consumer.ConsumerARN
	p.until("ACTIVE", func() bool {
		out := need(p.Kinesis.DescribeStreamConsumer(p.ctx, &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn}))
		return out.ConsumerDescription.ConsumerStatus == types.ConsumerStatusActive
	})
	return arn
}

// subscribe opens a subscription from the beginning of a shard. Each has its own protocol value, which keeps its decoder.
func (p *place) subscribe(arn, shard *string) (*kinesis.SubscribeToShardEventStream, error) {
	out, err := p.Kinesis.SubscribeToShard(p.ctx, &kinesis.SubscribeToShardInput{
		ConsumerARN: arn, ShardId: shard, StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
	}, func(o *kinesis.Options) { o.Protocol = awsjson.New11(schemas.Kinesis_20131202) })
	if err != nil {
		return nil, err
	}
	return out.GetStream(), nil
}

// receive reads events until there are n records, or the subscription ends. The last event is nil if there was none.
func receive(es *kinesis.SubscribeToShardEventStream, n int) (records []types.Record, last *types.SubscribeToShardEvent) {
	for e := range es.Events() {
		if e, is := e.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent); is {
			records, last = append(records, e.Value.Records...), &e.Value
		}
		if n > 0 && len(records) >= n {
			break
		}
	}
	return records, last
}

var fanOutRules = []rule{
	{"a consumer is registered once", func(p *place) string {
		stream := p.stream(1)
		p.consumer(stream)
		_, err := p.Kinesis.RegisterStreamConsumer(p.ctx, &kinesis.RegisterStreamConsumerInput{
			StreamARN: p.summary(stream).StreamARN, ConsumerName: aws.String("reader"),
		})
		return refuses(err, "ResourceInUseException")
	}},
	{"consumers are listed", func(p *place) string {
		stream := p.stream(1)
		arn := p.consumer(stream)
		out := need(p.Kinesis.ListStreamConsumers(p.ctx, &kinesis.ListStreamConsumersInput{StreamARN: p.summary(stream).StreamARN}))
		return unless(len(out.Consumers) == 1 && *out.Consumers[0].ConsumerARN == *arn, "otherwise")
	}},
	{"a subscription delivers the records of its shard", func(p *place) string {
		stream, shard, _ := p.filled(3)
		es := need(p.subscribe(p.consumer(stream), shard))
		defer es.Close()
		records, last := receive(es, 3)
		return unless(data(records) == "0 1 2" && last.ContinuationSequenceNumber != nil, "otherwise")
	}},
	{"a second subscription within five seconds is refused with HTTP status 400", func(p *place) string {
		stream, shard, _ := p.filled(1)
		arn := p.consumer(stream)
		es := need(p.subscribe(arn, shard))
		defer es.Close()
		second, err := p.subscribe(arn, shard)
		if err == nil {
			defer second.Close()
		}
		return refuses(err, "ResourceInUseException")
	}},
	{"a subscription to a shard that does not exist is refused", func(p *place) string {
		es, err := p.subscribe(p.consumer(p.stream(1)), aws.String("shardId-000000000009"))
		if err == nil {
			defer es.Close()
		}
		return refuses(err, "ResourceNotFoundException")
	}},
	{"a subscription to a closed shard ends, and its last event names the children", func(p *place) string {
		stream, parent, _ := p.split()
		es := need(p.subscribe(p.consumer(stream), parent.ShardId))
		defer es.Close()
		records, last := receive(es, 0)
		if es.Err() != nil || last == nil {
			return fmt.Sprint("ends with ", called(es.Err()))
		}
		return unless(data(records) == "before" && len(last.ChildShards) == 2 && last.ContinuationSequenceNumber == nil, "otherwise")
	}},
}
