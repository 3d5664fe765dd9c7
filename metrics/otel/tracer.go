package otel

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Tracer makes spans. Its methods may be called by any goroutine.
type Tracer struct {
	tracer  trace.Tracer
	carrier Carrier // nil: records carry no context
	format  propagation.TextMapPropagator
}

// TracerOption changes what [NewTracer] makes.
type TracerOption func(*Tracer)

// WithCarrier makes records carry the context of their span, and handlers read it. It changes what is stored in the stream.
func WithCarrier(c Carrier) TracerOption { return func(t *Tracer) { t.carrier = c } }

// WithPropagator sets how a context is written. The default is that of the W3C.
func WithPropagator(p propagation.TextMapPropagator) TracerOption {
	return func(t *Tracer) { t.format = p }
}

// NewTracer returns a tracer.
func NewTracer(from trace.TracerProvider, opts ...TracerOption) *Tracer {
	t := &Tracer{tracer: from.Tracer(scope), format: propagation.TraceContext{}}
	for _, opt := range opts {
		opt(t)
	}
	return t
}

// Attributes of spans, by OpenTelemetry's conventions for messaging where they have one.
var (
	systemAttribute  = attribute.String("messaging.system", "aws.kinesis")
	sendAttribute    = attribute.String("messaging.operation.type", "send")
	processAttribute = attribute.String("messaging.operation.type", "process")
)

const (
	destinationKey = attribute.Key("messaging.destination.name")
	partitionKey   = attribute.Key("messaging.destination.partition.id")
	messageKey     = attribute.Key("messaging.message.id")
	countKey       = attribute.Key("messaging.batch.message_count")
	sizeKey        = attribute.Key("messaging.message.body.size")
	attemptKey     = attribute.Key("penstock.attempt")
	attemptsKey    = attribute.Key("penstock.attempts")
	behindKey      = attribute.Key("penstock.millis_behind_latest")
	errorKey       = attribute.Key("error.type")
)
