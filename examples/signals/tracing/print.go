package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// ExportSpans writes a line for each span.
func (p *printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		if _, err := fmt.Fprintln(p.to, "span", s.Name(), s.EndTime().Sub(s.StartTime()), s.Status().Code, len(s.Links()), "links"); err != nil {
			return fmt.Errorf("tracing: print: %w", err)
		}
	}
	return nil
}

// Temporality and Aggregation are the SDK's defaults.
func (p *printer) Temporality(k metric.InstrumentKind) metricdata.Temporality {
	return metric.DefaultTemporalitySelector(k)
}

// Aggregation is the SDK's default.
func (p *printer) Aggregation(k metric.InstrumentKind) metric.Aggregation {
	return metric.DefaultAggregationSelector(k)
}

// Export writes a line for each metric.
func (p *printer) Export(_ context.Context, all *metricdata.ResourceMetrics) error {
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if _, err := fmt.Fprintf(p.to, "metric %s [%s] %+v\n", m.Name, m.Unit, m.Data); err != nil {
				return fmt.Errorf("tracing: print: %w", err)
			}
		}
	}
	return nil
}

// ForceFlush and Shutdown have nothing to do.
func (p *printer) ForceFlush(context.Context) error { return nil }

// Shutdown has nothing to do.
func (p *printer) Shutdown(context.Context) error { return nil }
