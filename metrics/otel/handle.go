package otel

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
)

// maxLinks bounds the links of a span to the records of a batch: it is what SDKs keep by default.
const maxLinks = 128

// Handler returns a handler that calls h inside a span for each batch. What h says by the optional interfaces of package consumer,
// the returned handler says too.
func (t *Tracer) Handler(h consumer.Handler) consumer.Handler { return &traced{t: t, inner: h} }

type traced struct {
	t     *Tracer
	inner consumer.Handler
}

// Handle calls the handler inside a span. Errors and panics are marked; their texts stay out of it, since they are the user's and may
// hold record data.
func (h *traced) Handle(ctx context.Context, b *consumer.Batch) error {
	ctx, span := h.t.tracer.Start(ctx, "process "+b.Shard.Stream, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(h.t.links(b)...),
		trace.WithAttributes(systemAttribute, processAttribute, destinationKey.String(b.Shard.Stream), partitionKey.String(b.Shard.ID),
			countKey.Int(len(b.Records)), attemptKey.Int(b.Attempt), behindKey.Int64(b.MillisBehindLatest)))
	returned := false
	defer func() {
		if !returned {
			span.SetStatus(codes.Error, "panic")
		}
		span.End()
	}()
	err := h.inner.Handle(ctx, b)
	if returned = true; err != nil {
		span.SetAttributes(errorKey.String(fmt.Sprintf("%T", err)))
		span.SetStatus(codes.Error, "failed")
	}
	return err
}

// links returns a link to the span of each record that carries one, once for each span.
func (t *Tracer) links(b *consumer.Batch) (links []trace.Link) {
	if t.carrier == nil {
		return nil
	}
	seen := make(map[trace.SpanID]bool)
	for i := range b.Records {
		if len(links) == maxLinks {
			break
		}
		of := t.Context(&b.Records[i])
		if !of.IsValid() || seen[of.SpanID()] {
			continue
		}
		seen[of.SpanID()] = true
		links = append(links, trace.Link{SpanContext: of})
	}
	return links
}

// Context returns the context that a record carries; it is not valid if there is none, or no carrier. Handlers that have a span for each
// record make it a child of this one.
func (t *Tracer) Context(r *consumer.Record) trace.SpanContext {
	if t.carrier == nil {
		return trace.SpanContext{}
	}
	fields := t.carrier.Extract(r.Data)
	if len(fields) == 0 {
		return trace.SpanContext{}
	}
	return trace.SpanContextFromContext(t.format.Extract(noContext, mapCarrier(fields)))
}

// Shape, Start and the methods below say what the inner handler says, or what one says that does not have them.
func (h *traced) Shape() consumer.Shape {
	if s, ok := h.inner.(consumer.Shaper); ok {
		return s.Shape()
	}
	return consumer.Shape{}
}

func (h *traced) Start(ctx context.Context, s consumer.Shard) error {
	if inner, ok := h.inner.(consumer.Starter); ok {
		return inner.Start(ctx, s)
	}
	return nil
}

func (h *traced) StartFrom(ctx context.Context, s consumer.Shard) (at checkpoint.Position, known bool, err error) {
	if inner, ok := h.inner.(consumer.Positioner); ok {
		return inner.StartFrom(ctx, s)
	}
	return at, false, nil
}

func (h *traced) ShardEnd(ctx context.Context, s consumer.Shard) error {
	if inner, ok := h.inner.(consumer.Ender); ok {
		return inner.ShardEnd(ctx, s)
	}
	return nil
}

func (h *traced) Drain(ctx context.Context, s consumer.Shard) error {
	if inner, ok := h.inner.(consumer.Drainer); ok {
		return inner.Drain(ctx, s)
	}
	return nil
}

func (h *traced) LeaseLost(s consumer.Shard) {
	if inner, ok := h.inner.(consumer.LeaseLoser); ok {
		inner.LeaseLost(s)
	}
}

func (h *traced) Wants(s consumer.Shard, r *consumer.Record) bool {
	inner, ok := h.inner.(consumer.Chooser)
	return !ok || inner.Wants(s, r)
}

func (h *traced) Weigh(r *consumer.Record) int {
	if inner, ok := h.inner.(consumer.Weigher); ok {
		return inner.Weigh(r)
	}
	return len(r.Data) + len(r.PartitionKey)
}

func (h *traced) Idle(ctx context.Context, s consumer.Shard, asOf time.Time) error {
	if inner, ok := h.inner.(consumer.Idler); ok {
		return inner.Idle(ctx, s, asOf)
	}
	return nil
}
