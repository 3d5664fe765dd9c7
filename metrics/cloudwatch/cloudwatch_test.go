package cloudwatch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/metrics/cloudwatch"
	"github.com/penstock-go/penstock/metrics/internal/metricstest"
	"github.com/penstock-go/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type world struct{ *metricstest.World }

func inWorld(t *testing.T, test func(w world)) {
	t.Helper()
	metricstest.In(t, func(w *metricstest.World) { test(world{w}) })
}

func same(h consumer.Handler) consumer.Handler { return h }

// metrics makes them, to be closed by the test.
func (w world) metrics(change func(*cloudwatch.Config)) *cloudwatch.Metrics {
	w.Helper()
	cfg := cloudwatch.Config{Client: w.Server.CloudWatch(), Namespace: "billing"}
	change(&cfg)
	m, err := cloudwatch.New(cfg)
	w.Must(err)
	return m
}

// run has the metrics see the whole of it.
func (w world) run(m *cloudwatch.Metrics) {
	w.Helper()
	w.Produce(m.Producer(metricstest.Stream), func(p *producer.Producer) { m.Watch(metricstest.Stream, p) })
	w.Consume(m.Consumer(), same, func() {})
	w.Must(m.Close(w.Context()))
}

// spelled is a metric's name with its unit and dimensions.
func spelled(m kinesistest.Metric) string {
	text := m.Name + " " + m.Unit
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		text += " " + name + "=" + m.Dimensions[name]
	}
	return text
}

// sums adds up what was put, by metric.
func (w world) sums() map[string]float64 {
	all := make(map[string]float64)
	for _, m := range w.Server.Metrics() {
		all[spelled(m)] += m.Sum
	}
	return all
}

func TestTheMetricsOfTheJavaLibrariesArePut(t *testing.T) {
	inWorld(t, func(w world) {
		w.run(w.metrics(func(*cloudwatch.Config) {}))
		got := w.sums()
		for name, want := range map[string]float64{
			"UserRecordsPut Count": 100, "UserRecordsPut Count StreamName=orders": 100, "KinesisRecordsPut Count": 2, "AllErrors Count": 2,
			"ErrorsByCode Count ErrorCode=ProvisionedThroughputExceededException StreamName=orders": 2,
			"RecordsProcessed Count Operation=ProcessTask":                                          100, "Success Count Operation=ProcessTask": 2, "FailedRecords Count Operation=ProcessTask": 100,
		} {
			if got[name] != want {
				t.Errorf("%s: %v, want %v", name, got[name], want)
			}
		}
		want := []string{
			"AllErrors Count", "AllErrors Count StreamName=orders", "BufferingTime Milliseconds", "BufferingTime Milliseconds StreamName=orders",
			"CurrentLeases Count Operation=RenewAllLeases", "DataBytesProcessed Bytes Operation=ProcessTask",
			"ErrorsByCode Count ErrorCode=ProvisionedThroughputExceededException", "ErrorsByCode Count ErrorCode=ProvisionedThroughputExceededException StreamName=orders",
			"ExpiredLeases Count Operation=TakeLeases", "FailedRecords Count Operation=ProcessTask", "KinesisRecordsPut Count", "KinesisRecordsPut Count StreamName=orders",
			"MillisBehindLatest Milliseconds Operation=ApplicationTracker", "MillisBehindLatest Milliseconds Operation=ProcessTask",
			"NumStreamsToSync Count Operation=PeriodicShardSyncManager", "NumStreamsWithPartialLeases Count Operation=PeriodicShardSyncManager",
			"NumWorkers Count Operation=TakeLeases", "RecordProcessor.initialize.Time Milliseconds Operation=InitializeTask",
			"RecordProcessor.processRecords.Time Milliseconds Operation=ProcessTask", "RecordProcessor.shutdown.Time Milliseconds Operation=ShutdownTask",
			"RecordsProcessed Count Operation=ProcessTask", "Success Count Operation=LeaseDiscovery", "Success Count Operation=PeriodicShardSyncManager",
			"Success Count Operation=ProcessTask", "Success Count Operation=RenewAllLeases", "Success Count Operation=ShardSyncTask",
			"Success Count Operation=TakeLeases", "Success Count Operation=WorkerMetricStatsReporter", "TakenLeases Count Operation=TakeLeases",
			"Time Milliseconds Operation=LeaseDiscovery", "Time Milliseconds Operation=PeriodicShardSyncManager", "Time Milliseconds Operation=ProcessTask",
			"Time Milliseconds Operation=RenewAllLeases", "Time Milliseconds Operation=ShardSyncTask", "Time Milliseconds Operation=TakeLeases",
			"Time Milliseconds Operation=WorkerMetricStatsReporter", "UntakenLeases Count Operation=TakeLeases", "UserRecordsPut Count",
			"UserRecordsPut Count StreamName=orders", "VeryOldLeases Count Operation=TakeLeases",
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Error(diff)
		}
		for _, m := range w.Server.Metrics() {
			if m.Namespace != "billing" || m.Resolution != 60 || m.SampleCount <= 0 || m.Minimum > m.Maximum {
				t.Errorf("got %+v", m)
			}
		}
	})
}

// What the average of UserRecordsPut says is the rate of success, which alarms are made of.
func TestTheAverageOfRecordsPutIsTheRateOfSuccess(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(*cloudwatch.Config) {})
		hooks := m.Producer(metricstest.Stream)
		hooks.UserRecordsDone(producer.UserRecordsDone{UserRecords: 75, Attempts: 1, ShardID: "s"})
		hooks.UserRecordsDone(producer.UserRecordsDone{UserRecords: 25, Attempts: 1, Err: producer.ErrExpired})
		w.Must(m.Close(w.Context()))
		seen := 0
		for _, one := range w.Server.Metrics() {
			switch spelled(one) {
			case "UserRecordsPut Count":
				seen++
				if one.SampleCount != 100 || one.Sum != 75 || one.Minimum != 0 || one.Maximum != 1 {
					t.Errorf("got %+v", one)
				}
			case "UserRecordExpired Count":
				seen++
				if one.Sum != 25 {
					t.Errorf("got %+v", one)
				}
			}
		}
		if seen != 2 {
			t.Errorf("%d of 2 metrics were put", seen)
		}
	})
}

func TestShardsWorkersAndDetailsArePutOnRequest(t *testing.T) {
	inWorld(t, func(w world) {
		w.run(w.metrics(func(c *cloudwatch.Config) { c.Shards, c.WorkerID, c.Level = true, "w-1", cloudwatch.Detailed }))
		got := w.sums()
		var shards float64
		for i := range 2 {
			shards += got[fmt.Sprintf("RecordsProcessed Count Operation=ProcessTask ShardId=shardId-%012d", i)]
			if name := fmt.Sprintf("UserRecordsPut Count ShardId=shardId-%012d StreamName=orders", i); got[name] == 0 {
				t.Errorf("no %s", name)
			}
		}
		if shards != 100 {
			t.Errorf("%v records by shard", shards)
		}
		for _, name := range []string{
			"CurrentLeases Count Operation=RenewAllLeases WorkerIdentifier=w-1", "KinesisDataFetcher.getRecords.Time Milliseconds Operation=ProcessTask",
			"UpdateLease.Success Count Operation=ProcessTask", "RequestTime Milliseconds StreamName=orders", "UserRecordsReceived Count",
			"RetriesPerRecord Count", "UserRecordsPending Count StreamName=orders", "UserRecordsDataPut Bytes StreamName=orders",
		} {
			if _, ok := got[name]; !ok {
				t.Errorf("no %s", name)
			}
		}
	})
}

func TestEveryWireFormIsUnderstood(t *testing.T) {
	for name, protocol := range map[string]func(*sdk.Options){
		"cbor":  func(*sdk.Options) {},
		"json":  func(o *sdk.Options) { o.Protocol = awsjson.New10(schemas.GraniteServiceVersion20100801) },
		"query": func(o *sdk.Options) { o.Protocol = awsquery.New(schemas.GraniteServiceVersion20100801) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w world) {
				w.run(w.metrics(func(c *cloudwatch.Config) { c.Client = sdk.New(w.Server.CloudWatch().Options(), protocol) }))
				if got := w.sums()["RecordsProcessed Count Operation=ProcessTask"]; got != 100 {
					t.Errorf("%v records", got)
				}
			})
		})
	}
}

// fill makes so many series.
func fill(m *cloudwatch.Metrics, n int) {
	hooks := m.Consumer()
	for i := range n {
		hooks.Handled(consumer.Handled{Shard: consumer.Shard{Stream: metricstest.Stream, ID: fmt.Sprintf("shardId-%012d", i)}, Records: 1, Done: 1})
	}
}

func TestRequestsKeepTheLimitsOfTheService(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) { c.Shards = true })
		fill(m, 1000) // four metrics for each shard, four for all, and two of the worker
		w.Must(m.Close(w.Context()))
		if got := m.Stats(); got.Requests != 5 || got.FailedRequests != 0 || got.Dropped != 0 || got.Buffered != 0 {
			t.Errorf("got %+v", got)
		}
		if n := len(w.Server.Metrics()); n < 4004 {
			t.Errorf("%d metrics", n)
		}
	})
}

func TestMetricsArePutEveryIntervalAndAtTheEnd(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(*cloudwatch.Config) {})
		began := time.Now()
		for range 3 {
			fill(m, 1)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		fill(m, 1)
		w.Must(m.Close(w.Context()))
		var at []time.Duration
		for _, one := range w.Server.Metrics() {
			if one.Name == "RecordsProcessed" {
				at = append(at, one.At.Sub(began))
			}
		}
		if want := []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 3 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("put at %v", at)
		}
	})
}

// Whatever is wrong with CloudWatch, records, leases and their times are as they would be without it; and what was counted is put later.
func TestABackendInTroubleCostsNoRecordAndNoTime(t *testing.T) {
	trouble := map[string]kinesistest.Effect{
		"away": kinesistest.Reset(), "silent": kinesistest.Hang(), "slow": kinesistest.Delay(20*time.Minute, 0),
		"throttling": kinesistest.Fail(400, "Throttling", "Rate exceeded"), "broken": kinesistest.Fail(500, "InternalFailure", "?"),
	}
	calm := story(t, nil)
	for name, effect := range trouble {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(calm, story(t, &effect)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// story tells when each batch was handled and each lease acquired, and how many records were put to CloudWatch in the end.
func story(t *testing.T, effect *kinesistest.Effect) (told []string) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) { c.Interval = 10 * time.Second })
		var in *kinesistest.Injection
		if effect != nil {
			in = w.Server.Inject(kinesistest.Fault{Service: kinesistest.CloudWatch, Do: *effect})
		}
		began := time.Now()
		w.Produce(m.Producer(metricstest.Stream), func(*producer.Producer) {})
		var mu sync.Mutex
		hooks := consumer.Tee(m.Consumer(), consumer.Hooks{StateChanged: func(s consumer.Shard, _, to consumer.State) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, fmt.Sprint(s.ID, to, time.Since(began).Truncate(time.Second)))
		}})
		w.Consume(hooks, same, func() {
			if in != nil && (in.Fired() < 5 || m.Stats().FailedRequests < 5 || m.Stats().Dropped > 0 || m.Stats().Buffered > 80) {
				w.Errorf("%d requests were hurt: %+v", in.Fired(), m.Stats())
			}
		})
		if in != nil {
			in.Remove()
		}
		w.Must(m.Close(w.Context()))
		told = append(told, fmt.Sprint(w.sums()["RecordsProcessed Count Operation=ProcessTask"] >= 100))
	})
	slices.Sort(told)
	return told
}

func TestSeriesWithoutRoomAreCountedAndDropped(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) { c.Shards, c.MaxSeries = true, 100 })
		w.Server.Inject(kinesistest.Fault{Service: kinesistest.CloudWatch, Do: kinesistest.Reset()})
		for range 10 {
			fill(m, 1000)
			time.Sleep(time.Minute)
		}
		if got := m.Stats(); got.Buffered > 200 || got.Dropped < 10*3900 {
			t.Errorf("got %+v", got)
		}
		if err := m.Close(w.Context()); err == nil {
			t.Error("all is lost, and Close does not say so")
		}
	})
}

// A request that is invalid once is so for ever: to keep its metrics would mean that none is ever put again.
func TestMetricsThatAreRefusedDoNotStandInTheWayOfOthers(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(*cloudwatch.Config) {})
		m.Producer("ü").UserRecordsDone(producer.UserRecordsDone{UserRecords: 1, Attempts: 1})
		if err := m.Flush(w.Context()); err == nil {
			t.Error("a dimension in another script was taken")
		}
		fill(m, 1)
		w.Must(m.Close(w.Context()))
		if m.Stats().Dropped == 0 || w.sums()["RecordsProcessed Count Operation=ProcessTask"] != 1 {
			t.Errorf("%+v, %v", m.Stats(), w.sums())
		}
	})
}

func TestCloseReturnsWithItsContext(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) { c.Timeout = time.Hour })
		w.Server.Inject(kinesistest.Fault{Service: kinesistest.CloudWatch, Do: kinesistest.Hang()})
		fill(m, 1)
		time.Sleep(90 * time.Second) // it hangs in a put now
		ctx, cancel := context.WithTimeout(w.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if err := m.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestNewNamesEveryFaultOfItsConfiguration(t *testing.T) {
	_, err := cloudwatch.New(cloudwatch.Config{Interval: time.Millisecond, Timeout: -1, MaxSeries: -1, Level: 9})
	for _, field := range []string{"Client", "Namespace", "Interval", "Timeout", "MaxSeries", "Level"} {
		if err == nil || !strings.Contains(err.Error(), "Config."+field+" ") {
			t.Errorf("nothing of %s in %v", field, err)
		}
	}
	if !errors.Is(err, cloudwatch.ErrConfig) {
		t.Error(err)
	}
}

func TestOneAttemptIsMadeForEachRequest(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) {
			c.Client = sdk.New(w.Server.CloudWatch().Options(), func(o *sdk.Options) { o.RetryMaxAttempts = 10; o.RetryMode = aws.RetryModeStandard })
		})
		in := w.Server.Inject(kinesistest.Fault{Service: kinesistest.CloudWatch, Do: kinesistest.Fail(500, "InternalFailure", "?")})
		fill(m, 1)
		if err := m.Flush(w.Context()); err == nil || in.Fired() != 1 {
			t.Errorf("%v after %d attempts", err, in.Fired())
		}
		in.Remove()
		w.Must(m.Close(w.Context()))
	})
}

// The documentation has sums, of which these are the numbers.
func TestAnApplicationAndAShardHaveAsManyMetricsAsTheDocumentationReckonsWith(t *testing.T) {
	for level, want := range map[cloudwatch.Level][2]int{cloudwatch.Summary: {40, 10}, cloudwatch.Detailed: {77, 20}} {
		inWorld(t, func(w world) {
			w.run(w.metrics(func(c *cloudwatch.Config) { c.Shards, c.Level = true, level }))
			whole, shard := 0, 0
			for name := range w.sums() {
				switch {
				case !strings.Contains(name, "ShardId="):
					whole++
				case strings.Contains(name, "ErrorCode="), strings.Contains(name, "FailedRecords"): // only of a shard in trouble
				case strings.Contains(name, "ShardId=shardId-000000000000"):
					shard++
				}
			}
			if got := [2]int{whole, shard}; got != want {
				t.Errorf("level %d: %v metrics, want %v", level, got, want)
			}
		})
	}
}
