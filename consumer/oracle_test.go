package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// court is a world whose server writes down what it does, so that workers which lease in DynamoDB can be judged.
type court struct {
	*world
	mu       sync.Mutex
	handled  []oracle.Handled
	contents map[oracle.Place][]oracle.UserRecord
	keys     int
	failover time.Duration
}

// trialFailover is the failover time of the workers that are judged.
const trialFailover = 10 * time.Second

// inCourt runs a test in virtual time with an oracle.
func inCourt(t *testing.T, shards int32, f func(c *court)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, server: kinesistest.New(kinesistest.WithOracle(0)), seen: &journal{}}
		w.client = w.server.Kinesis()
		t.Cleanup(func() {
			if err := w.server.Close(); err != nil {
				t.Error(err)
			}
		})
		_, err := w.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: &shards})
		w.must(err)
		time.Sleep(time.Second)
		f(&court{world: w, failover: trialFailover, contents: make(map[oracle.Place][]oracle.UserRecord)})
	})
}

// config is that of the worker with a name: its clients carry the name, and what it handles is reported.
func (c *court) config(name string) Config {
	caller := c.server.As(name)
	return Config{
		Application: "billing", WorkerID: name, Streams: []Stream{{Name: testStream}}, Kinesis: caller.Kinesis(), DynamoDB: caller.DynamoDB(),
		FailoverTime: c.failover, MaxBatchRecords: 7,
		Handler: HandlerFunc(func(ctx context.Context, b *Batch) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			c.report(name, b)
			return nil
		}),
	}
}

// report notes that a batch was handled.
func (c *court) report(worker string, b *Batch) {
	c.seen.add(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range b.Records {
		c.handled = append(c.handled, oracle.Handled{
			Consumer: "billing", Worker: worker, SubSequence: int64(r.SubSequence), Data: oracle.DigestOf(r.Data), At: time.Now(),
			Place: oracle.Place{Stream: b.Shard.Stream, Shard: b.Shard.ID, SequenceNumber: r.SequenceNumber},
		})
	}
}

// puts sends plain records and aggregates of ten keys.
func (c *court) puts(n int) {
	c.Helper()
	for range n {
		c.keys++
		key := fmt.Sprintf("key-%d", c.keys%10)
		data := c.data()
		members := []oracle.UserRecord{{Key: oracle.DigestOf([]byte(key)), Data: oracle.DigestOf(data)}}
		if c.keys%3 == 0 {
			data, members = c.aggregate(key, data)
		}
		out, err := c.client.PutRecord(c.Context(), &kinesis.PutRecordInput{StreamName: aws.String(testStream), PartitionKey: &key, Data: data})
		c.must(err)
		c.contents[oracle.Place{Stream: testStream, Shard: *out.ShardId, SequenceNumber: *out.SequenceNumber}] = members
	}
}

func (c *court) aggregate(key string, first []byte) (data []byte, members []oracle.UserRecord) {
	c.Helper()
	var e aggregation.Encoder
	for i := range 4 {
		if i > 0 {
			first = c.data()
		}
		c.must(e.Add(key, "", first))
		members = append(members, oracle.UserRecord{SubSequence: int64(i), Key: oracle.DigestOf([]byte(key)), Data: oracle.DigestOf(first)})
	}
	return e.AppendTo(nil), members
}

// judge waits until everything is handled, ends the workers, and lets the oracle speak. Handling twice is allowed.
func (c *court) judge(workers ...*worker) {
	c.Helper()
	c.await("all records handled", func() bool { return len(c.seen.distinct()) == c.put })
	for _, w := range workers {
		w.mustEnd()
	}
	verdicts := oracle.Check(c.server.Oracle().History(), oracle.Report{
		Consumers: []oracle.Consumer{{Name: "billing", Table: "billing", FailoverTime: c.failover}},
		Handled:   c.handled, Contents: c.contents,
	})
	for _, v := range verdicts {
		if v.Kind != oracle.Duplicated {
			c.Error(v)
		}
	}
}

// hasHandled reports whether a worker has handled anything.
func (c *court) hasHandled(worker string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.handled, func(h oracle.Handled) bool { return h.Worker == worker })
}

// eachReader runs a trial for each way to read.
func eachReader(t *testing.T, f func(c *court, change func(*Config))) {
	for name, change := range map[string]func(*Config){
		"polling": func(*Config) {}, "fan-out": func(cfg *Config) { cfg.Streams[0].FanOut = true }, "lanes": func(cfg *Config) { cfg.Concurrency = laneCount },
	} {
		t.Run(name, func(t *testing.T) { inCourt(t, 3, func(c *court) { f(c, change) }) })
	}
}

func (c *court) begin(name string, change func(*Config)) *worker {
	c.Helper()
	cfg := c.config(name)
	change(&cfg)
	return c.start(cfg)
}

func TestNothingIsLostOrReorderedWhileKinesisIsAwayForAnHour(t *testing.T) {
	eachReader(t, func(c *court, change func(*Config)) {
		c.failover = time.Minute // an hour has very many renewals otherwise
		a, b := c.begin("a", change), c.begin("b", change)
		c.puts(50)
		time.Sleep(2 * time.Second) // in the midst of it
		var faults []*kinesistest.Injection
		for _, name := range []string{"a", "b"} {
			faults = append(faults, c.server.Inject(kinesistest.Fault{Service: kinesistest.Kinesis, Caller: name, Do: kinesistest.Fail(503, "ServiceUnavailable", "away")}))
		}
		c.puts(50)
		c.split(0)
		c.puts(50)
		time.Sleep(time.Hour)
		for _, f := range faults {
			if f.Fired() == 0 {
				c.Error("nobody noticed that Kinesis was away")
			}
			f.Remove()
		}
		c.puts(10)
		c.judge(a, b)
	})
}

func TestNothingIsLostOrReorderedWhileDynamoDBIsAwayForLongerThanTheFailoverTime(t *testing.T) {
	eachReader(t, func(c *court, change func(*Config)) {
		a, b := c.begin("a", change), c.begin("b", change)
		c.puts(50)
		time.Sleep(3 * time.Second)
		away := c.server.Inject(kinesistest.Fault{Service: kinesistest.DynamoDB, Do: kinesistest.Reset()})
		for range 6 {
			c.puts(20)
			time.Sleep(trialFailover)
		}
		c.split(1)
		away.Remove()
		c.puts(10)
		c.judge(a, b)
	})
}

func TestAWorkerThatIsFrozenForMinutesDoesNoHarmWhenItThaws(t *testing.T) {
	eachReader(t, func(c *court, change func(*Config)) {
		frozen := newGate()
		var ice sync.Once
		thaw := c.server.Partition // its calls and replies are held, its handler stands still
		var heal func()
		a := c.begin("a", func(cfg *Config) {
			change(cfg)
			inner := cfg.Handler
			cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
				if len(c.seen.all()) > 20 {
					ice.Do(func() { heal = thaw("a") })
					_ = frozen.pass(context.WithoutCancel(ctx))
				}
				if err := inner.Handle(ctx, b); err != nil {
					b.Ack(len(b.Records)) // a zombie's last words
					_ = b.Checkpoint(context.WithoutCancel(ctx))
					return err
				}
				return nil
			})
		})
		c.puts(100)
		c.await("the worker is frozen", func() bool { return frozen.waiting.Load() > 0 })
		b := c.begin("b", change)
		c.puts(30)
		time.Sleep(4 * time.Minute)
		c.merge(0)
		c.puts(30)
		if !c.hasHandled("b") {
			c.Error("nobody took over from the frozen worker")
		}
		close(frozen.open)
		heal()
		c.puts(10)
		c.judge(a, b)
	})
}
