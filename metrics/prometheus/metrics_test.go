package prometheus_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/metrics/internal/metricstest"
	"github.com/penstock-go/penstock/metrics/prometheus"
	"github.com/penstock-go/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func same(h consumer.Handler) consumer.Handler { return h }

// scrape reads the metrics as Prometheus does: over HTTP, in its text format.
func scrape(t testing.TB, m prom.Collector) map[string]*dto.MetricFamily {
	t.Helper()
	registry := prom.NewPedanticRegistry()
	registry.MustRegister(m)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	return families
}

// value sums up the series of a name that have all of the labels, given as "name=value".
func value(families map[string]*dto.MetricFamily, name string, labels ...string) (sum float64) {
	for _, m := range families[name].GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(have, l) }) {
			continue
		}
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum
}

func TestPrometheusReadsWhatHappened(t *testing.T) {
	metricstest.In(t, func(w *metricstest.World) {
		m := prometheus.New()
		w.Produce(m.Producer(metricstest.Stream), func(p *producer.Producer) { m.Watch(metricstest.Stream, p) })
		w.Consume(m.Consumer(), same, func() {
			for name, want := range map[string]float64{
				"penstock_consumer_shards": 2, "penstock_leases_held": 2, "penstock_leases_known": 2, "penstock_leases_unheld": 0, "penstock_producer_shards": 2,
				"penstock_producer_buffered_records": 0, "penstock_producer_degraded": 0,
			} {
				if got := value(scrape(t, m), name); got != want {
					t.Errorf("%s is %v, want %v", name, got, want)
				}
			}
			if lag := value(scrape(t, m), "penstock_consumer_worst_lag_seconds"); lag > 2 {
				t.Errorf("the lag is %v s", lag)
			}
		})
		got := scrape(t, m)
		for _, want := range []struct {
			value  float64
			series string
		}{
			{100, "penstock_producer_records_total result=stored"}, {0, "penstock_producer_records_total result=failed"},
			{2, "penstock_producer_retries_total code=ProvisionedThroughputExceededException"}, {2, "penstock_producer_throttled_total stream=orders"},
			{1, "penstock_producer_requests_total result=failed"}, {value(got, "penstock_producer_requests_total"), "penstock_producer_request_seconds"},
			{2, "penstock_producer_aggregate_records"}, {2, "penstock_producer_record_attempts"},
			{100, "penstock_consumer_records_total stream=orders"}, {4, "penstock_consumer_handler_seconds"}, {2, "penstock_consumer_handler_failures_total"},
			{100, "penstock_consumer_failed_records_total"}, {2, "penstock_consumer_fetched_records_total"}, {1, "penstock_consumer_throttled_total"},
			{1, "penstock_consumer_fetch_failures_total code=ProvisionedThroughputExceededException"}, {2, "penstock_consumer_record_age_seconds"},
			{2, "penstock_leases_acquired_total"}, {0, "penstock_leases_lost_total"}, {2, "penstock_leases_released_total"},
			{0, "penstock_consumer_shards"}, {0, "penstock_leases_held"}, {0, "penstock_consumer_lag_seconds"},
		} {
			name, label, _ := strings.Cut(want.series, " ")
			var labels []string
			if label != "" {
				labels = append(labels, label)
			}
			if v := value(got, name, labels...); v != want.value {
				t.Errorf("%s is %v, want %v", want.series, v, want.value)
			}
		}
	})
}

func TestTheLinterHasNothingToSay(t *testing.T) {
	metricstest.In(t, func(w *metricstest.World) {
		m := prometheus.New(prometheus.WithConstLabels(prom.Labels{"worker": "w1"}), prometheus.WithOutsideShard())
		w.Produce(m.Producer(metricstest.Stream), func(p *producer.Producer) { m.Watch(metricstest.Stream, p) })
		w.Consume(m.Consumer(), same, func() {
			problems, err := testutil.CollectAndLint(m)
			if err != nil || len(problems) > 0 {
				t.Errorf("%v %+v", err, problems)
			}
		})
	})
}

// A worker that hangs reads nothing, and so is told no new lag by the service. Just then the metric must rise.
func TestTheLagGrowsWhileNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := prometheus.New()
		hooks := m.Consumer()
		shard := consumer.Shard{Stream: metricstest.Stream, ID: "shardId-000000000000"}
		hooks.StateChanged(shard, consumer.Opening, consumer.Reading)
		hooks.Fetched(consumer.Fetched{Shard: shard, MillisBehindLatest: 1500})
		time.Sleep(time.Hour)
		got := scrape(t, m)
		if lag, said := value(got, "penstock_consumer_lag_seconds"), value(got, "penstock_consumer_behind_latest_seconds"); lag != 3601.5 || said != 1.5 {
			t.Errorf("lag %v, behind %v", lag, said)
		}
		hooks.StateChanged(shard, consumer.Reading, consumer.Lost)
		hooks.Fetched(consumer.Fetched{Shard: shard, MillisBehindLatest: 9}) // its fetch was under way
		if n := testutil.CollectAndCount(m, "penstock_consumer_lag_seconds"); n != 0 {
			t.Errorf("%d shards are left", n)
		}
	})
}

func TestSeriesOfShardsCanBeLeftOut(t *testing.T) {
	m := prometheus.New(prometheus.WithoutShards())
	hooks := m.Consumer()
	shard := consumer.Shard{Stream: metricstest.Stream, ID: "shardId-000000000000"}
	hooks.StateChanged(shard, consumer.Opening, consumer.Reading)
	hooks.Fetched(consumer.Fetched{Shard: shard, MillisBehindLatest: 1500})
	if n := testutil.CollectAndCount(m, "penstock_consumer_lag_seconds"); n != 0 {
		t.Errorf("%d shards", n)
	}
	if v := value(scrape(t, m), "penstock_consumer_worst_lag_seconds"); v < 1.5 {
		t.Errorf("the worst lag is %v", v)
	}
}

func TestErrorCodesCannotMakeSeriesWithoutEnd(t *testing.T) {
	m := prometheus.New()
	hooks := m.Producer(metricstest.Stream)
	for i := range 1000 {
		hooks.Retried(producer.Retried{Attempt: producer.Attempt{Code: strings.Repeat("x", i+1)}})
	}
	if n := testutil.CollectAndCount(m, "penstock_producer_retries_total"); n != 51 {
		t.Errorf("%d series", n)
	}
	if v := value(scrape(t, m), "penstock_producer_retries_total", "code=other"); v != 950 {
		t.Errorf("%v others", v)
	}
}

// Alerts are raised by rates, which need a series before its first event.
func TestCountersShowNothingBeforeAnythingHappens(t *testing.T) {
	m := prometheus.New()
	m.Producer(metricstest.Stream)
	got := scrape(t, m)
	for _, name := range []string{"penstock_producer_throttled_total", "penstock_leases_lost_total", "penstock_producer_wrong_shard_total"} {
		if got[name] == nil || value(got, name) != 0 {
			t.Errorf("%s: %v", name, got[name])
		}
	}
}

func TestEachMetricCanBeMade(t *testing.T) {
	got := everything(t)
	for _, name := range prometheus.Names() {
		if got[name] == nil {
			t.Errorf("no way leads to %s", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s is not among the names", name)
	}
}

// everything calls every hook and returns what is exported then.
func everything(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	m := prometheus.New(prometheus.WithOutsideShard())
	c, p := m.Consumer(), m.Producer(metricstest.Stream)
	m.Watch(metricstest.Stream, fixed{})
	shard := consumer.Shard{Stream: metricstest.Stream, ID: "shardId-000000000000"}
	p.RequestDone(producer.RequestDone{Records: 1, Failed: 1})
	p.Retried(producer.Retried{Attempt: producer.Attempt{Code: "Throttling"}})
	p.KinesisRecordDone(producer.KinesisRecordDone{UserRecords: 1})
	p.KinesisRecordDone(producer.KinesisRecordDone{UserRecords: 1, Code: "Throttling"})
	p.UserRecordsDone(producer.UserRecordsDone{UserRecords: 1, Attempts: 1})
	p.UserRecordsDone(producer.UserRecordsDone{UserRecords: 1, Err: errors.New("?")})
	p.WrongShard(producer.WrongShard{UserRecords: 1})
	p.HotShard(producer.HotShard{})
	p.Panicked(nil)
	c.StateChanged(shard, consumer.Opening, consumer.Reading)
	c.Fetched(consumer.Fetched{Shard: shard})
	c.FetchFailed(shard, errors.New("?"))
	c.Handled(consumer.Handled{Shard: shard, Err: errors.New("?")})
	c.Handled(consumer.Handled{Shard: shard, Arrival: time.Now()})
	c.Checkpointed(consumer.Checkpointed{Shard: shard, Err: errors.New("?")})
	c.Trimmed(&consumer.TrimmedError{Shard: shard})
	c.MalformedAggregate(&consumer.AggregateError{Shard: shard})
	c.OutsideShard(shard, 1)
	c.DeadLettered(consumer.DeadLettered{Failed: consumer.Failed{Shard: shard}})
	c.NearRetention(consumer.NearRetention{Shard: shard})
	c.PolledInstead(metricstest.Stream, nil)
	c.Called(consumer.Called{Op: "GetRecords", Err: errors.New("?")})
	c.Synced(consumer.Synced{Stream: metricstest.Stream})
	c.Leases.Released(leases.Lease{}, "")
	c.Leases.StoreFailed("Scan", nil)
	c.Leases.Called(leases.Called{Op: "Write", For: "renew", Err: &leases.ConflictError{}})
	c.Leases.Audited(leases.Audited{Streams: 1})
	return scrape(t, m)
}

type fixed struct{}

func (fixed) Stats() producer.Stats { return producer.Stats{PendingRecords: 1, PendingBytes: 2} }
