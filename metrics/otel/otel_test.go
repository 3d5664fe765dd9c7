package otel_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/metrics/internal/metricstest"
	"github.com/penstock-go/penstock/metrics/otel"
	"github.com/penstock-go/penstock/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func same(h consumer.Handler) consumer.Handler { return h }

// meter is a provider whose reader a test asks.
func meter() (*metric.MeterProvider, *metric.ManualReader) {
	reader := metric.NewManualReader()
	return metric.NewMeterProvider(metric.WithReader(reader)), reader
}

// read returns the sum of each metric's series: of counters and gauges the value, of histograms the count. It also returns their units.
func read(t *testing.T, from *metric.ManualReader) (values map[string]float64, units map[string]string) {
	t.Helper()
	values, units = make(map[string]float64), make(map[string]string)
	var all metricdata.ResourceMetrics
	if err := from.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			units[m.Name] = m.Unit
			values[m.Name] += 0
			switch data := m.Data.(type) {
			case metricdata.Sum[float64]:
				for _, p := range data.DataPoints {
					values[m.Name] += p.Value
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					values[m.Name] += p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					values[m.Name] += float64(p.Count)
				}
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	return values, units
}

func TestOpenTelemetryReadsWhatHappened(t *testing.T) {
	metricstest.In(t, func(w *metricstest.World) {
		provider, reader := meter()
		m, err := otel.New(provider, otel.WithOutsideShard())
		w.Must(err)
		w.Produce(m.Producer(metricstest.Stream), func(p *producer.Producer) { m.Watch(metricstest.Stream, p) })
		w.Consume(m.Consumer(), same, func() {
			got, units := read(w.T, reader)
			for name, want := range map[string]float64{"penstock.consumer.shards": 2, "penstock.leases.held": 2, "penstock.producer.shards": 2, "penstock.producer.buffered": 0} {
				if v, ok := got[name]; !ok || v != want {
					t.Errorf("%s is %v, want %v", name, v, want)
				}
			}
			if got["penstock.consumer.worst_lag"] > 2 || units["penstock.consumer.lag"] != "s" || units["penstock.producer.stored"] != "By" {
				t.Errorf("got %v, units %v", got, units)
			}
		})
		got, _ := read(w.T, reader)
		for name, want := range map[string]float64{
			"penstock.producer.records": 100, "penstock.producer.retries": 2, "penstock.producer.throttled": 2, "penstock.producer.aggregate_records": 2,
			"penstock.consumer.records": 100, "penstock.consumer.handler": 4, "penstock.consumer.handler_failures": 2, "penstock.consumer.throttled": 1,
			"penstock.consumer.record_age": 2, "penstock.leases.acquired": 2, "penstock.leases.released": 2, "penstock.leases.held": 0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		w.Must(m.Close())
		if after, _ := read(w.T, reader); after["penstock.leases.known"] != 0 {
			t.Error("gauges are observed after Close")
		}
		w.Must(provider.Shutdown(w.Context()))
	})
}

func TestShardsCanBeLeftOut(t *testing.T) {
	provider, reader := meter()
	m, err := otel.New(provider, otel.WithoutShards())
	if err != nil {
		t.Fatal(err)
	}
	hooks := m.Consumer()
	shard := consumer.Shard{Stream: metricstest.Stream, ID: "s"}
	hooks.StateChanged(shard, consumer.Opening, consumer.Reading)
	hooks.Fetched(consumer.Fetched{Shard: shard, MillisBehindLatest: 1500})
	got, _ := read(t, reader)
	if _, there := got["penstock.consumer.lag"]; there || got["penstock.consumer.worst_lag"] < 1.5 {
		t.Errorf("got %v", got)
	}
}

// spans are those of a test, once they have ended.
func spans(t *testing.T) (*sdktrace.TracerProvider, *tracetest.InMemoryExporter) {
	kept := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(kept))
	t.Cleanup(func() {
		if err := provider.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return provider, kept
}

func named(all tracetest.SpanStubs, name string) (found tracetest.SpanStubs) {
	for _, s := range all {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// journey sends one record through a stream whose first request is throttled, and returns the spans and what was stored.
func journey(t *testing.T, data string, opts ...otel.TracerOption) (all tracetest.SpanStubs, stored []byte) {
	metricstest.In(t, func(w *metricstest.World) {
		provider, kept := spans(w.T)
		tracer := otel.NewTracer(provider, opts...)
		w.Server.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 1, Do: kinesistest.Throttle()})
		p, err := producer.New(producer.Config{Kinesis: w.Server.Kinesis(), Stream: metricstest.Stream})
		w.Must(err)
		told := false
		ctx, parent := provider.Tracer("test").Start(w.Context(), "order")
		w.Must(tracer.Put(ctx, p, metricstest.Stream, producer.Record{PartitionKey: "k", Data: []byte(data)}, func(r producer.Result) { told = r.Err == nil }))
		parent.End()
		w.Must(p.Close(w.Context()))
		if !told {
			t.Error("done did not run")
		}
		w.Records = 1
		w.Consume(consumer.Hooks{}, func(h consumer.Handler) consumer.Handler {
			return tracer.Handler(consumer.HandlerFunc(func(ctx context.Context, b *consumer.Batch) error {
				stored = bytes.Clone(b.Records[0].Data)
				if !trace.SpanContextFromContext(ctx).IsValid() {
					t.Error("the handler's context has no span")
				}
				return h.Handle(ctx, b)
			}))
		}, func() {})
		all = kept.GetSpans()
	})
	return all, stored
}

func TestSpansLeadFromPutThroughTheRequestsToTheHandler(t *testing.T) {
	all, stored := journey(t, `{"n":1}`, otel.WithCarrier(otel.JSON))
	order, send, attempts, process := named(all, "order"), named(all, "send orders"), named(all, "PutRecords"), named(all, "process orders")
	if len(order) != 1 || len(send) != 1 || len(attempts) != 2 || len(process) != 2 {
		t.Fatalf("%d, %d, %d, %d spans", len(order), len(send), len(attempts), len(process))
	}
	if send[0].Parent.SpanID() != order[0].SpanContext.SpanID() || send[0].SpanKind != trace.SpanKindProducer || send[0].Status.Code == codes.Error {
		t.Errorf("send: %+v", send[0])
	}
	for i, a := range attempts {
		inside := !a.StartTime.Before(send[0].StartTime) && !a.EndTime.After(send[0].EndTime)
		if a.Parent.SpanID() != send[0].SpanContext.SpanID() || (a.Status.Code == codes.Error) != (i == 0) || !inside {
			t.Errorf("attempt: %+v", a)
		}
	}
	for i, p := range process {
		if len(p.Links) != 1 || p.Links[0].SpanContext.SpanID() != send[0].SpanContext.SpanID() || p.Links[0].SpanContext.TraceID() != order[0].SpanContext.TraceID() {
			t.Errorf("process: %+v", p.Links)
		}
		if p.SpanKind != trace.SpanKindConsumer || (p.Status.Code == codes.Error) != (i == 0) || strings.Contains(p.Status.Description, "today") {
			t.Errorf("process: %+v", p.Status)
		}
	}
	if !strings.HasPrefix(string(stored), `{"n":1,"traceparent":"00-`) {
		t.Errorf("stored %s", stored)
	}
}

func TestRecordsCarryNothingUnlessAsked(t *testing.T) {
	all, stored := journey(t, `{"n":1}`)
	if string(stored) != `{"n":1}` {
		t.Errorf("stored %s", stored)
	}
	if process := named(all, "process orders"); len(process) != 2 || len(process[0].Links) != 0 {
		t.Errorf("got %+v", process)
	}
}

func TestARecordThatIsNotTakenEndsItsSpan(t *testing.T) {
	provider, kept := spans(t)
	tracer := otel.NewTracer(provider)
	if err := tracer.Put(t.Context(), refusing{}, metricstest.Stream, producer.Record{}, nil); !errors.Is(err, producer.ErrClosed) {
		t.Error(err)
	}
	if all := kept.GetSpans(); len(all) != 1 || all[0].Status.Code != codes.Error {
		t.Errorf("got %+v", all)
	}
}

type refusing struct{}

func (refusing) Put(context.Context, producer.Record, func(producer.Result)) error {
	return producer.ErrClosed
}

func TestFailuresAreMarkedWithoutTheTextOfTheirErrors(t *testing.T) {
	provider, kept := spans(t)
	h := otel.NewTracer(provider).Handler(consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { panic("secret") }))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_ = h.Handle(t.Context(), consumer.NewBatch(consumer.Shard{Stream: metricstest.Stream}, nil))
	}()
	if all := kept.GetSpans(); len(all) != 1 || all[0].Status.Code != codes.Error || all[0].Status.Description != "panic" || len(all[0].Events) > 0 {
		t.Errorf("got %+v", all)
	}
}

func TestALargeBatchLinksToSoManySpansAndEachOnce(t *testing.T) {
	provider, kept := spans(t)
	tracer := otel.NewTracer(provider, otel.WithCarrier(otel.JSON))
	var records []consumer.Record
	for i := range 400 {
		parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033" + string("0123456789abcdef"[i/16%16]) + string("0123456789abcdef"[i%16]) + "-01"
		records = append(records, consumer.Record{Data: []byte(`{"traceparent":"` + parent + `"}`)}, consumer.Record{Data: []byte(`{"traceparent":"` + parent + `"}`)})
	}
	h := tracer.Handler(consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil }))
	if err := h.Handle(t.Context(), consumer.NewBatch(consumer.Shard{Stream: metricstest.Stream}, records)); err != nil {
		t.Error(err)
	}
	if links := kept.GetSpans()[0].Links; len(links) != 128 || links[0].SpanContext.SpanID() == links[1].SpanContext.SpanID() {
		t.Errorf("%d links", len(links))
	}
}

// everything is a handler with every optional interface.
type everything struct{ called *[]string }

func (e everything) call(name string)                              { *e.called = append(*e.called, name) }
func (e everything) Handle(context.Context, *consumer.Batch) error { e.call("Handle"); return nil }
func (e everything) Shape() consumer.Shape                         { e.call("Shape"); return consumer.Shape{MaxRecords: 7} }
func (e everything) Start(context.Context, consumer.Shard) error   { e.call("Start"); return errTest }
func (e everything) ShardEnd(context.Context, consumer.Shard) error {
	e.call("ShardEnd")
	return errTest
}
func (e everything) Drain(context.Context, consumer.Shard) error { e.call("Drain"); return errTest }
func (e everything) LeaseLost(consumer.Shard)                    { e.call("LeaseLost") }
func (e everything) Wants(consumer.Shard, *consumer.Record) bool { e.call("Wants"); return false }
func (e everything) Weigh(*consumer.Record) int                  { e.call("Weigh"); return 42 }
func (e everything) Idle(context.Context, consumer.Shard, time.Time) error {
	e.call("Idle")
	return errTest
}

func (e everything) StartFrom(context.Context, consumer.Shard) (checkpoint.Position, bool, error) {
	e.call("StartFrom")
	return checkpoint.TrimHorizon, true, nil
}

var errTest = errors.New("test")

// whole is all that a handler can be.
type whole interface {
	consumer.Shaper
	consumer.Starter
	consumer.Positioner
	consumer.Ender
	consumer.Drainer
	consumer.LeaseLoser
	consumer.Chooser
	consumer.Weigher
	consumer.Idler
}

func TestAHandlerSaysInsideASpanWhatItSaysWithout(t *testing.T) {
	provider, _ := spans(t)
	var called []string
	ask := func(h consumer.Handler) (errs []error, weight int, wants, known bool, shape consumer.Shape) {
		w := otel.NewTracer(provider).Handler(h).(whole)
		ctx, s := t.Context(), consumer.Shard{}
		errs = append(errs, w.Start(ctx, s), w.ShardEnd(ctx, s), w.Drain(ctx, s), w.Idle(ctx, s, time.Now()))
		w.LeaseLost(s)
		_, known, err := w.StartFrom(ctx, s)
		return append(errs, err), w.Weigh(&consumer.Record{PartitionKey: "ab", Data: []byte("cde")}), w.Wants(s, &consumer.Record{}), known, w.Shape()
	}
	errs, weight, wants, known, shape := ask(everything{&called})
	if !errors.Is(errs[0], errTest) || !errors.Is(errs[3], errTest) || weight != 42 || wants || !known || shape.MaxRecords != 7 || len(called) != 9 {
		t.Errorf("%v %d %v %v %+v, called %v", errs, weight, wants, known, shape, called)
	}
	errs, weight, wants, known, shape = ask(consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil }))
	if slices.ContainsFunc(errs, func(err error) bool { return err != nil }) || weight != 5 || !wants || known || shape != (consumer.Shape{}) {
		t.Errorf("%v %d %v %v %+v", errs, weight, wants, known, shape)
	}
}

// slowExporter takes a minute for each batch, and then fails.
type slowExporter struct{ *tracetest.InMemoryExporter }

func (s slowExporter) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	select {
	case <-time.After(time.Minute):
	case <-ctx.Done():
	}
	return errTest
}

func TestAnExporterThatHangsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(slowExporter{tracetest.NewInMemoryExporter()}, sdktrace.WithMaxQueueSize(64)))
		tracer := otel.NewTracer(provider)
		began := time.Now()
		h := tracer.Handler(consumer.HandlerFunc(func(context.Context, *consumer.Batch) error { return nil }))
		for range 10_000 {
			if err := h.Handle(t.Context(), consumer.NewBatch(consumer.Shard{Stream: metricstest.Stream}, nil)); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("handlers waited for %v", took)
		}
		_ = provider.Shutdown(t.Context()) // fails, minutes later, as the exporter does
	})
}
