// Package catalog says which metrics there are, and makes them of what the hooks tell. Packages for single systems of metrics give it a
// [Sink] and name things their own way.
//
//	producer.Hooks ─ produce.go ───────────┐
//	                                       ├─▶ Sink: Add and Observe, at the event
//	consumer.Hooks ─ consume.go, lease.go ─┘
//	                     └─▶ state.go ─▶ Gauges, when somebody looks
//
// What rises is added at the event. What stands (the lag, the shards, the leases) is kept in a [State] and read when it is asked for,
// so that a lag goes on growing while nothing happens, which is when it matters.
//
// Labels have few values: stream names, shard ids of shards that this worker reads, the service's error codes, of which a [Sink] sees at most
// 50 and "other". No label holds anything of a record.
//
// Files: metric.go (the list), code.go (error codes), produce.go, consume.go, lease.go, state.go.
package catalog
