package otel

import (
	"context"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/metric"

	"github.com/penstock-go/penstock/metrics/internal/catalog"
)

// sink is what the hooks write to.
type sink struct{ m *Metrics }

// Add raises a counter.
func (s *sink) Add(m *catalog.Metric, v float64, labels ...string) {
	s.m.counters[m].Add(noContext, v, s.m.sets.of(m, labels))
}

// Observe counts a value.
func (s *sink) Observe(m *catalog.Metric, v float64, labels ...string) {
	s.m.histograms[m].Record(noContext, v, s.m.sets.of(m, labels))
}

// noContext is given to instruments: hooks have none, and there is no span that an exemplar could name.
var noContext = context.Background()

// sets keeps the attributes of each series: to sort and hash them at each event would cost more than the event.
type sets struct{ of1, ofMore sync.Map }

type seriesKey struct {
	metric *catalog.Metric
	labels string
}

func (s *sets) of(m *catalog.Metric, labels []string) metric.MeasurementOption {
	key := seriesKey{metric: m}
	known := &s.of1
	switch len(labels) {
	case 0:
	case 1:
		key.labels = labels[0]
	default:
		known, key.labels = &s.ofMore, strings.Join(labels, "\x00")
	}
	if have, ok := known.Load(key); ok {
		return have.(metric.MeasurementOption)
	}
	made := metric.WithAttributeSet(attributesOf(m, labels))
	known.Store(key, made)
	return made
}
