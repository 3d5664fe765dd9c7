// Package prometheus gives what producers and consumers do to Prometheus: [Metrics] is a collector that is filled by their hooks.
//
//	m := prometheus.New()
//	registry.MustRegister(m)
//	p, err := producer.New(producer.Config{..., Hooks: m.Producer("orders")})
//	m.Watch("orders", p)
//	c, err := consumer.New(consumer.Config{..., Hooks: m.Consumer()})
//
// To listen to hooks besides, join them with producer.Tee and consumer.Tee.
//
// # What there is
//
// Names begin with penstock_producer, penstock_consumer and penstock_leases; each metric's help text says what it counts. A dashboard and alert
// rules are in metrics/dashboards. For alerts:
//
//	penstock_consumer_lag_seconds            how far a shard is behind at most; it grows while nothing is read, whatever the cause
//	penstock_consumer_behind_latest_seconds  MillisBehindLatest, as the service said it last
//	penstock_consumer_worst_lag_seconds      the greatest lag of this worker
//	penstock_consumer_throttled_total        reads, and
//	penstock_producer_throttled_total        attempts to write, that exceeded a rate
//	penstock_producer_hot_shard_total        reports of a shard that throttles while the stream has room
//	penstock_leases_lost_total               leases lost, and
//	penstock_leases_unheld                   leases that nobody holds
//
// # What it costs
//
// A few counters for each request, page and batch; nothing for each record. Series: about 110 for each stream that is written, as many for
// each that is read, 20 for each operation of the API, and two for each shard that is read, which [WithoutShards] leaves out and which end when the
// worker gives it up.
//
// Nothing is sent: Prometheus asks. When it does not, nothing grows.
//
// Files: metrics.go, collect.go.
package prometheus
