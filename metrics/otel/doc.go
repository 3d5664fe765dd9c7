// Package otel gives what producers and consumers do to OpenTelemetry: metrics, filled by hooks, and spans.
//
//	m, err := otel.New(meterProvider)
//	p, err := producer.New(producer.Config{..., Hooks: m.Producer("orders")})
//	m.Watch("orders", p)
//	c, err := consumer.New(consumer.Config{..., Hooks: m.Consumer(), Handler: t.Handler(handler)})
//	...
//	err = m.Close()
//
// To listen to hooks besides, join them with producer.Tee and consumer.Tee.
//
// # Metrics
//
// They are those of metrics/prometheus, named as OpenTelemetry does: penstock.consumer.lag in seconds, penstock.producer.records in records.
// The attributes are aws.kinesis.stream_name, penstock.shard_id, error.type for codes and reasons, and penstock.result, .state, .kind and .op.
// What becomes of them is the provider's business. The hooks write into the SDK's memory and never wait for an exporter.
//
// # Spans
//
//	send orders          producer   from Put to the record's result      t.Put
//	  PutRecords         client     each attempt, as a child of it
//	process orders       consumer   a call of the handler with a batch   t.Handler
//
// A batch has records of many producers: its span is not a child of theirs but links to them, to at most 128, where records carry their
// context. That they do only if asked ([WithCarrier]), since the context is carried inside the record: [JSON] adds a member to
// records that are JSON objects, and leaves all others as they are. Consumers that know nothing of it see one member more. For another
// format, write a [Carrier] of your own.
//
// Files: metrics.go, record.go (what hooks write to), tracer.go, put.go, handle.go, carrier.go.
package otel
