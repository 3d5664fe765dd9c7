package prometheus

import (
	"slices"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/penstock-go/penstock/metrics/internal/catalog"
)

// sink is what the hooks write to.
type sink Metrics

// Add raises a counter.
func (s *sink) Add(m *catalog.Metric, v float64, labels ...string) {
	s.counters[m].WithLabelValues(labels...).Add(v)
}

// Observe counts a value.
func (s *sink) Observe(m *catalog.Metric, v float64, labels ...string) {
	s.histograms[m].WithLabelValues(labels...).Observe(v)
}

// Describe sends every description there is.
func (m *Metrics) Describe(to chan<- *prom.Desc) {
	for _, c := range m.counters {
		c.Describe(to)
	}
	for _, h := range m.histograms {
		h.Describe(to)
	}
	for _, desc := range m.gauges {
		to <- desc
	}
}

// Collect sends what has been counted, and how things stand.
func (m *Metrics) Collect(to chan<- prom.Metric) {
	for _, c := range m.counters {
		c.Collect(to)
	}
	for _, h := range m.histograms {
		h.Collect(to)
	}
	m.state.Gauges(func(one *catalog.Metric, v float64, labels ...string) {
		if !m.shards && slices.Contains(one.Labels, "shard") {
			return
		}
		to <- prom.MustNewConstMetric(m.gauges[one], prom.GaugeValue, v, labels...)
	})
}
