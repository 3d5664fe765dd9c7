package otel

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/metrics/internal/catalog"
	"github.com/penstock-go/penstock/producer"
)

const scope = "github.com/penstock-go/penstock/metrics/otel"

// Metrics are the instruments of the producers and consumers of a process. Its methods may be called by any goroutine.
type Metrics struct {
	state        catalog.State
	shards       bool
	outside      bool
	counters     map[*catalog.Metric]metric.Float64Counter
	histograms   map[*catalog.Metric]metric.Float64Histogram
	gauges       map[*catalog.Metric]metric.Float64ObservableGauge
	registration metric.Registration
	sets         sets
}

// Option changes what [New] makes.
type Option func(*Metrics)

// WithoutShards leaves out the metrics of single shards, for fleets where they are too many. The worst lag remains.
func WithoutShards() Option { return func(m *Metrics) { m.shards = false } }

// WithOutsideShard counts members of aggregates that do not belong to their shard, for an MD5 of each.
func WithOutsideShard() Option { return func(m *Metrics) { m.outside = true } }

// New makes the instruments. The error is the provider's.
func New(from metric.MeterProvider, opts ...Option) (*Metrics, error) {
	m := &Metrics{
		shards:     true,
		counters:   make(map[*catalog.Metric]metric.Float64Counter),
		histograms: make(map[*catalog.Metric]metric.Float64Histogram),
		gauges:     make(map[*catalog.Metric]metric.Float64ObservableGauge),
	}
	for _, opt := range opts {
		opt(m)
	}
	meter := from.Meter(scope)
	var observables []metric.Observable
	for _, one := range catalog.All {
		if err := m.instrument(meter, one); err != nil {
			return nil, fmt.Errorf("otel: instrument %s: %w", one.Name, err)
		}
		if gauge := m.gauges[one]; gauge != nil {
			observables = append(observables, gauge)
		}
	}
	var err error
	if m.registration, err = meter.RegisterCallback(m.observe, observables...); err != nil {
		return nil, fmt.Errorf("otel: register the gauges: %w", err)
	}
	return m, nil
}

func (m *Metrics) instrument(meter metric.Meter, one *catalog.Metric) (err error) {
	name, unit, help := "penstock."+one.Name, metric.WithUnit(one.Unit), metric.WithDescription(one.Help)
	switch one.Kind {
	case catalog.Counter:
		m.counters[one], err = meter.Float64Counter(name, unit, help)
	case catalog.Histogram:
		m.histograms[one], err = meter.Float64Histogram(name, unit, help, metric.WithExplicitBucketBoundaries(one.Buckets...))
	case catalog.Gauge:
		m.gauges[one], err = meter.Float64ObservableGauge(name, unit, help)
	}
	return err
}

// Close ends the observation of gauges. Hooks may go on being called.
func (m *Metrics) Close() error {
	if err := m.registration.Unregister(); err != nil {
		return fmt.Errorf("otel: unregister the gauges: %w", err)
	}
	return nil
}

// Producer returns hooks for a producer; stream is the value of the attribute.
func (m *Metrics) Producer(stream string) producer.Hooks { return m.state.Producer(&sink{m}, stream) }

// Stater tells what is buffered; *producer.Producer is one.
type Stater = catalog.Stater

// Watch adds what a producer has buffered to the metrics of the stream.
func (m *Metrics) Watch(stream string, p Stater) { m.state.Watch(stream, p) }

// Consumer returns hooks for the consumer of this process.
func (m *Metrics) Consumer() consumer.Hooks {
	hooks := m.state.Consumer(&sink{m})
	if m.outside {
		hooks.OutsideShard = catalog.Outside(&sink{m})
	}
	return hooks
}

func (m *Metrics) observe(_ context.Context, o metric.Observer) error {
	m.state.Gauges(func(one *catalog.Metric, v float64, labels ...string) {
		attributes := attributesOf(one, labels)
		if _, single := attributes.Value(keyOf("shard")); single && !m.shards {
			return
		}
		o.ObserveFloat64(m.gauges[one], v, metric.WithAttributeSet(attributes))
	})
	return nil
}

// keyOf names a label as OpenTelemetry does.
func keyOf(label string) attribute.Key {
	switch label {
	case "stream":
		return "aws.kinesis.stream_name"
	case "shard":
		return "penstock.shard_id"
	case "code", "reason":
		return "error.type"
	}
	return attribute.Key("penstock." + label)
}

func attributesOf(m *catalog.Metric, labels []string) attribute.Set {
	pairs := make([]attribute.KeyValue, len(labels))
	for i, value := range labels {
		pairs[i] = keyOf(m.Labels[i]).String(value)
	}
	return attribute.NewSet(pairs...)
}
