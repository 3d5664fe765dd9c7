package prometheus

import (
	"slices"
	"strings"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/metrics/internal/catalog"
	"github.com/penstock-go/penstock/producer"
)

// Metrics is a prometheus.Collector of the producers and consumers of a process. Its methods may be called by any goroutine.
type Metrics struct {
	state      catalog.State
	shards     bool
	outside    bool
	counters   map[*catalog.Metric]*prom.CounterVec
	histograms map[*catalog.Metric]*prom.HistogramVec
	gauges     map[*catalog.Metric]*prom.Desc
}

type settings struct {
	labels  prom.Labels
	shards  bool
	outside bool
}

// Option changes what [New] makes.
type Option func(*settings)

// WithConstLabels puts labels on every metric, for example the worker's id, where the scraper does not.
func WithConstLabels(labels prom.Labels) Option { return func(s *settings) { s.labels = labels } }

// WithoutShards leaves out the metrics of single shards, for fleets where they are too many. The worst lag remains.
func WithoutShards() Option { return func(s *settings) { s.shards = false } }

// WithOutsideShard counts members of aggregates that do not belong to their shard, for an MD5 of each.
func WithOutsideShard() Option { return func(s *settings) { s.outside = true } }

// New returns metrics that belong to no registry yet.
func New(opts ...Option) *Metrics {
	s := settings{shards: true}
	for _, opt := range opts {
		opt(&s)
	}
	m := &Metrics{
		shards: s.shards, outside: s.outside,
		counters:   make(map[*catalog.Metric]*prom.CounterVec),
		histograms: make(map[*catalog.Metric]*prom.HistogramVec),
		gauges:     make(map[*catalog.Metric]*prom.Desc),
	}
	for _, one := range catalog.All {
		switch name := nameOf(one); one.Kind {
		case catalog.Counter:
			m.counters[one] = prom.NewCounterVec(prom.CounterOpts{Name: name, Help: one.Help, ConstLabels: s.labels}, one.Labels)
		case catalog.Histogram:
			m.histograms[one] = prom.NewHistogramVec(prom.HistogramOpts{Name: name, Help: one.Help, ConstLabels: s.labels, Buckets: one.Buckets}, one.Labels)
		case catalog.Gauge:
			m.gauges[one] = prom.NewDesc(name, one.Help, one.Labels, s.labels)
		}
	}
	m.begin()
	return m
}

// begin makes the counters without labels show 0 before anything has happened, so that a rate can be taken of the first event.
func (m *Metrics) begin() {
	for one, counter := range m.counters {
		if len(one.Labels) == 0 {
			counter.WithLabelValues()
		}
	}
}

// nameOf names a metric as Prometheus does: with its unit, and with _total if it only rises.
func nameOf(m *catalog.Metric) string {
	name := "penstock_" + strings.ReplaceAll(m.Name, ".", "_")
	switch m.Unit {
	case "s":
		name += "_seconds"
	case "By":
		name += "_bytes"
	}
	if m.Kind == catalog.Counter {
		name += "_total"
	}
	return name
}

// Names returns the names of all metrics, without the suffixes that histograms have.
func Names() []string {
	names := make([]string, len(catalog.All))
	for i, one := range catalog.All {
		names[i] = nameOf(one)
	}
	slices.Sort(names)
	return names
}

// Producer returns hooks for a producer; stream is the value of the label.
func (m *Metrics) Producer(stream string) producer.Hooks {
	return m.state.Producer((*sink)(m), stream)
}

// Stater tells what is buffered; *producer.Producer is one.
type Stater = catalog.Stater

// Watch adds what a producer has buffered to the metrics of the stream.
func (m *Metrics) Watch(stream string, p Stater) { m.state.Watch(stream, p) }

// Consumer returns hooks for the consumer of this process.
func (m *Metrics) Consumer() consumer.Hooks {
	hooks := m.state.Consumer((*sink)(m))
	if m.outside {
		hooks.OutsideShard = catalog.Outside((*sink)(m))
	}
	return hooks
}
