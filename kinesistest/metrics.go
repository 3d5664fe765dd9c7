package kinesistest

import (
	"time"
)

// A Metric is one datum that a client put to CloudWatch and that was accepted.
type Metric struct {
	Namespace  string
	Name       string
	Dimensions map[string]string // by name
	At         time.Time         // of the datum: when it arrived if the client did not say

	// Values and Counts go in pairs: a value and how often it was seen. A single value is one that was seen once. Both are nil if
	// the client sent statistics alone.
	Values, Counts []float64

	// The statistics of the values, or those that the client sent in their place.
	SampleCount, Sum, Minimum, Maximum float64

	Unit       string // "None" if the client did not say
	Resolution int    // seconds: 1 or 60
}

// Metrics returns what clients put to CloudWatch, in the order of its arrival: the newest 100,000 data. What the elements refer to
// must not be changed.
func (s *Server) Metrics() []Metric {
	accepted := s.cloudwatch.Metrics()
	metrics := make([]Metric, len(accepted))
	for i := range accepted {
		metrics[i] = Metric(accepted[i])
	}
	return metrics
}
