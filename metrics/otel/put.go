package otel

import (
	"context"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/penstock-go/penstock/metrics/internal/catalog"
	"github.com/penstock-go/penstock/producer"
)

// Putter is the part of a producer that [Tracer.Put] needs; *producer.Producer is one.
type Putter interface {
	Put(ctx context.Context, r producer.Record, done func(producer.Result)) error
}

// Put is the producer's Put inside a span, which ends with the record's result, before done is called. The record carries the span's
// context if the tracer has a carrier.
func (t *Tracer) Put(ctx context.Context, p Putter, stream string, r producer.Record, done func(producer.Result)) error {
	ctx, span := t.tracer.Start(ctx, "send "+stream, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(systemAttribute, sendAttribute, destinationKey.String(stream), sizeKey.Int(len(r.Data))))
	if t.carrier != nil && span.SpanContext().IsValid() {
		r.Data = t.carrier.Inject(r.Data, t.fields(ctx))
	}
	err := p.Put(ctx, r, func(res producer.Result) {
		t.finish(ctx, span, stream, &res)
		if done != nil {
			done(res)
		}
	})
	if err != nil {
		span.SetStatus(codes.Error, "not accepted")
		span.End()
	}
	return err
}

// fields writes the context of a span.
func (t *Tracer) fields(ctx context.Context) map[string]string {
	fields := make(mapCarrier)
	t.format.Inject(ctx, fields)
	return fields
}

// finish ends the span of a record, with a child for each of its attempts.
func (t *Tracer) finish(ctx context.Context, span trace.Span, stream string, res *producer.Result) {
	if span.IsRecording() {
		for i := range res.Attempts {
			t.attempt(ctx, stream, &res.Attempts[i])
		}
		span.SetAttributes(attemptsKey.Int(len(res.Attempts)))
		if res.Err != nil {
			reason := catalog.Reason(res.Err)
			span.SetAttributes(errorKey.String(reason))
			span.SetStatus(codes.Error, reason)
		} else {
			span.SetAttributes(partitionKey.String(res.ShardID), messageKey.String(res.SequenceNumber))
		}
	}
	span.End()
}

// attempt makes the span of a request that is over.
func (t *Tracer) attempt(ctx context.Context, stream string, a *producer.Attempt) {
	_, span := t.tracer.Start(ctx, "PutRecords", trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Start),
		trace.WithAttributes(systemAttribute, destinationKey.String(stream), attemptKey.Int(a.Number)))
	if a.Code != "" {
		span.SetAttributes(errorKey.String(a.Code))
		span.SetStatus(codes.Error, a.Code)
	}
	span.End(trace.WithTimestamp(a.Start.Add(a.Duration)))
}
