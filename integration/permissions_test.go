package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases/dynamo"
	"github.com/penstock-go/penstock/metrics/cloudwatch"
	"github.com/penstock-go/penstock/producer"
)

const (
	stream      = "orders"
	application = "billing"
)

// account is a service in virtual time, with a stream of two shards.
type account struct {
	t       *testing.T
	srv     *kinesistest.Server
	handled atomic.Int64
}

// inAccount runs a test in a bubble and returns the calls that it made.
func inAccount(t *testing.T, test func(a *account)) (calls []kinesistest.Call) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{t: t, srv: kinesistest.New(kinesistest.WithCallLog(100_000))}
		defer a.srv.Close()
		_, err := a.srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(stream), ShardCount: aws.Int32(2)})
		must(t, err)
		a.t = t
		test(a)
		calls = a.srv.Calls()
	})
	return calls
}

func (a *account) arn() string {
	return "arn:aws:kinesis:" + kinesistest.DefaultRegion + ":" + kinesistest.DefaultAccountID + ":stream/" + stream
}

// produce puts so many records as the caller "producer", and fails the test if one is not stored.
func (a *account) produce(n int) {
	a.t.Helper()
	for _, res := range a.tryProduce(n, nil) {
		must(a.t, res.Err)
	}
}

// tryProduce returns what became of the records.
func (a *account) tryProduce(n int, change func(*producer.Config)) []producer.Result {
	a.t.Helper()
	cfg := producer.Config{Kinesis: a.srv.As("producer").Kinesis(), Stream: stream, TTL: 5 * time.Second}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(cfg)
	must(a.t, err)
	records := make([]producer.Record, n)
	for i := range records {
		records[i] = producer.Record{PartitionKey: fmt.Sprint("key-", i), Data: []byte("data")}
	}
	results, _ := p.PutSync(a.t.Context(), records...) // each result has its own error
	must(a.t, p.Close(a.t.Context()))
	return results
}

// fleet is workers of the application, as the caller "consumer".
type fleet struct {
	a       *account
	stop    []context.CancelFunc
	running sync.WaitGroup
}

func (f *fleet) start(change func(*consumer.Config)) {
	f.a.t.Helper()
	as := f.a.srv.As("consumer")
	cfg := consumer.Config{
		Application: application, Streams: []consumer.Stream{{Name: stream}}, Kinesis: as.Kinesis(), DynamoDB: as.DynamoDB(),
		Handler: consumer.HandlerFunc(func(_ context.Context, b *consumer.Batch) error {
			f.a.handled.Add(int64(len(b.Records)))
			return nil
		}),
	}
	change(&cfg)
	c, err := consumer.New(cfg)
	must(f.a.t, err)
	ctx, cancel := context.WithCancel(f.a.t.Context())
	f.stop = append(f.stop, cancel)
	f.running.Go(func() {
		if err := c.Run(ctx); err != nil {
			f.a.t.Errorf("Run: %v", err)
		}
	})
}

func (f *fleet) end() {
	for _, stop := range f.stop {
		stop()
		time.Sleep(time.Minute)
	}
	f.running.Wait()
}

// live has two workers share the stream through a reshard, until so many records are handled, and stops them one after the other.
func (a *account) live(records int, change func(*consumer.Config)) {
	a.t.Helper()
	f := &fleet{a: a}
	f.start(change)
	time.Sleep(time.Minute)
	f.start(change)
	time.Sleep(time.Minute)
	_, err := a.srv.Kinesis().MergeShards(a.t.Context(), &kinesis.MergeShardsInput{
		StreamName: aws.String(stream), ShardToMerge: aws.String("shardId-000000000000"), AdjacentShardToMerge: aws.String("shardId-000000000001"),
	})
	must(a.t, err)
	a.produce(records)
	time.Sleep(2 * time.Minute)
	f.end()
	if got := a.handled.Load(); got < int64(records) {
		a.t.Errorf("%d of %d records handled", got, records)
	}
}

// oldTable makes a lease table as the KCL 1.x left it, without the index.
func (a *account) oldTable() {
	a.t.Helper()
	_, err := a.srv.DynamoDB().CreateTable(a.t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(application), BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: dynamotypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamotypes.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: dynamotypes.KeyTypeHash}},
	})
	must(a.t, err)
}

func TestEachLineOfThePoliciesIsNeededAndNothingElseIs(t *testing.T) {
	words := []string{"STREAM", stream, "APPLICATION", application}
	for policies, fanOut := range map[string]bool{"consumer-polling": false, "consumer-fanout": true} {
		t.Run(policies, func(t *testing.T) {
			how := func(cfg *consumer.Config) { cfg.Streams[0].FanOut = fanOut }
			calls := inAccount(t, func(a *account) { a.live(100, how) })
			// An application from before: its table lacks the index, and it is asked for backups.
			calls = append(calls, inAccount(t, func(a *account) {
				a.oldTable()
				a.live(100, func(cfg *consumer.Config) {
					how(cfg)
					store, err := dynamo.New(dynamo.Config{API: cfg.DynamoDB, Table: application, PointInTimeRecovery: true})
					must(a.t, err)
					cfg.DynamoDB, cfg.Leases = nil, store
				})
			})...)
			judge(t, calls, "producer", readPolicy(t, "producer", words...))
			judge(t, calls, "consumer", readPolicy(t, policies, words...))
		})
	}
}

// deny refuses an operation to everybody.
func (a *account) deny(operation string) *kinesistest.Injection {
	return a.srv.Inject(kinesistest.Fault{Operation: operation, Do: kinesistest.Fail(400, "AccessDeniedException", "not authorized to perform: "+operation)})
}

func TestAProducerThatMayOnlyPutDoesSoWithoutAggregation(t *testing.T) {
	inAccount(t, func(a *account) {
		denied := []*kinesistest.Injection{a.deny("DescribeStreamSummary"), a.deny("ListShards")}
		var told error
		results := a.tryProduce(10, func(cfg *producer.Config) { cfg.Hooks.Degraded = func(err error) { told = err } })
		sequence := make(map[string]bool)
		for _, res := range results {
			must(a.t, res.Err)
			sequence[res.ShardID+res.SequenceNumber] = true
		}
		if len(sequence) != len(results) {
			t.Errorf("%d records are stored as %d", len(results), len(sequence))
		}
		if !errors.Is(told, producer.ErrAccessDenied) || denied[0].Fired()+denied[1].Fired() == 0 {
			t.Errorf("told %v", told)
		}
	})
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	for _, operation := range []string{"DescribeStreamSummary", "DescribeStreamConsumer", "RegisterStreamConsumer", "DescribeTable", "CreateTable"} {
		inAccount(t, func(a *account) {
			a.deny(operation)
			as := a.srv.As("consumer")
			c, err := consumer.New(consumer.Config{
				Application: application, Streams: []consumer.Stream{{Name: stream, FanOut: true}}, Kinesis: as.Kinesis(), DynamoDB: as.DynamoDB(),
				Handler: consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil }),
			})
			must(t, err)
			err = c.Run(a.t.Context())
			wanted := slices.ContainsFunc([]string{"kinesis:" + operation, "dynamodb:" + operation}, func(action string) bool {
				return err != nil && strings.Contains(err.Error(), action)
			})
			if !wanted {
				t.Errorf("without %s: %v", operation, err)
			}
		})
	}
}

func TestMetricsNeedTheirPolicyAndItsNamespaceAndNothingElse(t *testing.T) {
	calls := inAccount(t, func(a *account) {
		m, err := cloudwatch.New(cloudwatch.Config{Client: a.srv.As("metrics").CloudWatch(), Namespace: application})
		must(a.t, err)
		f := &fleet{a: a}
		f.start(func(cfg *consumer.Config) { cfg.Hooks = m.Consumer() })
		time.Sleep(2 * time.Minute)
		f.end()
		must(a.t, m.Close(a.t.Context()))
		policy := readPolicy(a.t, "metrics-cloudwatch", "APPLICATION", application)
		for _, put := range a.srv.Metrics() {
			if put.Namespace != policy.Statement[0].Condition["StringEquals"]["cloudwatch:namespace"] {
				a.t.Errorf("%s is put to %s", put.Name, put.Namespace)
			}
		}
	})
	judge(t, calls, "metrics", readPolicy(t, "metrics-cloudwatch", "APPLICATION", application))
}
