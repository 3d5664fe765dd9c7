package cloudwatch

import (
	"slices"
	"time"
)

// A Metric is one datum that was accepted. Its fields are explained where users meet them, at kinesistest.Metric.
type Metric struct {
	Namespace      string
	Name           string
	Dimensions     map[string]string
	At             time.Time
	Values, Counts []float64
	SampleCount    float64
	Sum            float64
	Minimum        float64
	Maximum        float64
	Unit           string
	Resolution     int
}

// request is PutMetricData as every protocol decodes it.
type request struct {
	namespace string
	data      []datum
	surplus   int // data behind the limit, which are counted and not kept
}

// datum is a Metric as a client gave it: a nil stands for what it left out.
type datum struct {
	name       string
	dimensions []dimension
	at         *time.Time
	value      *float64
	values     []float64
	counts     []float64
	statistics *givenStatistics
	unit       string
	resolution *float64
}

type dimension struct{ Name, Value string }

type givenStatistics struct{ sampleCount, sum, minimum, maximum *float64 }

// Limits of the service, from its documentation.
const (
	maxBody       = 1 << 20
	maxMetrics    = 1000
	maxDimensions = 30
	maxValues     = 150
	maxName       = 255
	maxValue      = 1024
)

// add collects a datum, as long as there may be one more.
func (r *request) add(d datum) {
	if len(r.data) == maxMetrics {
		r.surplus++
		return
	}
	r.data = append(r.data, d)
}

// limited appends to a list until it is one longer than it may be, which is enough to refuse it.
func limited[T any](list []T, v T, most int) []T {
	if len(list) > most {
		return list
	}
	return append(list, v)
}

// metric fills in what the client left out of a datum that has been checked.
func (d *datum) metric(namespace string, now time.Time) Metric {
	m := Metric{Namespace: namespace, Name: d.name, At: now, Unit: d.unit, Resolution: 60}
	if d.at != nil {
		m.At = *d.at
	}
	if m.Unit == "" {
		m.Unit = "None"
	}
	if d.resolution != nil {
		m.Resolution = int(*d.resolution)
	}
	m.Dimensions = make(map[string]string, len(d.dimensions))
	for _, one := range d.dimensions {
		m.Dimensions[one.Name] = one.Value
	}
	if s := d.statistics; s != nil {
		m.SampleCount, m.Sum, m.Minimum, m.Maximum = *s.sampleCount, *s.sum, *s.minimum, *s.maximum
		return m
	}
	m.sumUp(d)
	return m
}

// sumUp sets the values and what follows from them.
func (m *Metric) sumUp(d *datum) {
	m.Values, m.Counts = d.values, d.counts
	if d.value != nil {
		m.Values = []float64{*d.value}
	}
	if m.Counts == nil {
		m.Counts = slices.Repeat([]float64{1}, len(m.Values))
	}
	m.Minimum, m.Maximum = slices.Min(m.Values), slices.Max(m.Values)
	for i, v := range m.Values {
		m.SampleCount += m.Counts[i]
		m.Sum += v * m.Counts[i]
	}
}
