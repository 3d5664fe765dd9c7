package integration

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/producer"
)

// Through a split in the middle, each record that a producer reports as put stands on the server where the result says.
func TestTheProducerTellsTheTruthOnOtherServers(t *testing.T) {
	for server, protocol := range map[string]producer.Protocol{
		"kinesalite":    producer.JSON, // data that it gets in CBOR it gives back in JSON as something that is no string
		"kinesis-local": producer.CBOR,
	} {
		t.Run(server, func(t *testing.T) {
			client := kinesis.New(kinesis.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
				BaseEndpoint: aws.String(servers.Start(t, server))})
			for name, change := range map[string]func(*producer.Config){
				"aggregated": func(*producer.Config) {},
				"plain":      func(c *producer.Config) { c.DisableAggregation = true },
				"ordered":    func(c *producer.Config) { c.Ordered = true },
			} {
				t.Run(name, func(t *testing.T) {
					putAndLookFor(t, client, "truth-"+name, func(c *producer.Config) { c.Protocol = protocol; change(c) })
				})
			}
		})
	}
}

func putAndLookFor(t *testing.T, client *kinesis.Client, stream string, change func(*producer.Config)) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &stream, ShardCount: aws.Int32(2)})
	must(t, err)
	active(ctx, t, client, stream)
	// These servers take their time where the processor has other work: up to seconds for 500 records.
	cfg := producer.Config{Kinesis: client, Stream: stream, Linger: 20 * time.Millisecond, TTL: 4 * time.Minute, RequestTimeout: time.Minute}
	change(&cfg)
	p, err := producer.New(cfg)
	must(t, err)
	const records = 1000
	results := make([]producer.Result, records)
	var mu sync.Mutex
	for i := range records {
		r := producer.Record{PartitionKey: fmt.Sprintf("key-%d", i%50), Data: fmt.Appendf(nil, "record %d", i)}
		must(t, p.Put(ctx, r, func(result producer.Result) {
			mu.Lock()
			defer mu.Unlock()
			results[i] = result
		}))
		if i == records/2 {
			must(t, p.Flush(ctx))
			split(ctx, t, client, stream)
		}
	}
	must(t, p.Close(ctx))
	at := positions(ctx, t, client, stream)
	for i, result := range results {
		place := fmt.Sprintf("%s/%s/%d", result.ShardID, result.SequenceNumber, result.SubSequence)
		if want := fmt.Sprintf("record %d", i); result.Err != nil || at[place] != want {
			t.Errorf("record %d: %v; at %s stands %q", i, result.Err, place, at[place])
		}
	}
}

func active(ctx context.Context, t *testing.T, client *kinesis.Client, stream string) {
	t.Helper()
	must(t, kinesis.NewStreamExistsWaiter(client, func(o *kinesis.StreamExistsWaiterOptions) { o.MinDelay = 50 * time.Millisecond }).
		Wait(ctx, &kinesis.DescribeStreamInput{StreamName: &stream}, time.Minute))
}

// split divides the first shard, whose hash keys begin at 0, in its middle.
func split(ctx context.Context, t *testing.T, client *kinesis.Client, stream string) {
	t.Helper()
	_, err := client.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: &stream, ShardToSplit: aws.String("shardId-000000000000"),
		NewStartingHashKey: aws.String("1" + strings.Repeat("0", 37))})
	must(t, err)
	active(ctx, t, client, stream)
}

// positions reads the whole stream: each user record by shard, sequence number and sub-sequence number.
func positions(ctx context.Context, t *testing.T, client *kinesis.Client, stream string) map[string]string {
	t.Helper()
	at := make(map[string]string)
	out, err := client.DescribeStream(ctx, &kinesis.DescribeStreamInput{StreamName: &stream})
	must(t, err)
	for _, shard := range out.StreamDescription.Shards {
		start, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &stream, ShardId: shard.ShardId,
			ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		must(t, err)
		empty := 0 // some pages of a server are empty though it has more
		for it := start.ShardIterator; it != nil && empty < 3; {
			page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: it})
			must(t, err)
			for _, r := range page.Records {
				for _, u := range unpacked(t, r) {
					at[fmt.Sprintf("%s/%s/%d", *shard.ShardId, *r.SequenceNumber, u.SubSequence)] = string(u.Data)
				}
			}
			if empty++; len(page.Records) > 0 {
				empty = 0
			}
			it = page.NextShardIterator
		}
	}
	return at
}

func unpacked(t *testing.T, r types.Record) []aggregation.UserRecord {
	t.Helper()
	if !aggregation.IsAggregated(r.Data) {
		return []aggregation.UserRecord{{PartitionKey: *r.PartitionKey, Data: r.Data}}
	}
	users, err := aggregation.Decode(nil, r.Data)
	must(t, err)
	return users
}
