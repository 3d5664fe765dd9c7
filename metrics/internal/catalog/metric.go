package catalog

import "strings"

// Kind is how a metric is to be read.
type Kind uint8

const (
	// Counter only rises.
	Counter Kind = iota
	// Gauge stands where it stands when it is looked at.
	Gauge
	// Histogram counts values by their size.
	Histogram
)

// Metric is one metric. Names are in words joined by dots and underscores, without a unit.
type Metric struct {
	Name    string
	Kind    Kind
	Unit    string // of UCUM: "s", "By", or a thing in braces
	Help    string
	Labels  []string
	Buckets []float64 // of a histogram: upper bounds
}

// Sink takes events. Its methods are called by any goroutine, must not wait, and must not keep labels.
type Sink interface {
	Add(m *Metric, v float64, labels ...string)
	Observe(m *Metric, v float64, labels ...string)
}

// All lists every metric.
var All []*Metric

// begin makes the counters of a stream show 0 before anything has happened, so that a rate can be taken of the first event.
func begin(to Sink, room, stream string) {
	for _, m := range All {
		if m.Kind == Counter && len(m.Labels) == 1 && m.Labels[0] == "stream" && strings.HasPrefix(m.Name, room) {
			to.Add(m, 0, stream)
		}
	}
}

func metric(kind Kind, name, unit, help, labels string, buckets ...float64) *Metric {
	m := &Metric{Name: name, Kind: kind, Unit: unit, Help: help, Labels: strings.Fields(labels), Buckets: buckets}
	All = append(All, m)
	return m
}

// Buckets that fit: a request takes milliseconds at best and is given up after seconds; a handler may take minutes; a record is as old as
// the stream keeps it.
var (
	requestTime = []float64{.005, .01, .02, .03, .05, .075, .1, .15, .25, .5, 1, 2.5, 5, 10, 30}
	waitTime    = []float64{.001, .005, .01, .025, .05, .1, .15, .25, .5, 1, 2.5, 5, 10, 30, 60}
	handlerTime = []float64{.001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}
	recordAge   = []float64{.1, .25, .5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 72 * 3600, 168 * 3600}
	counts      = []float64{1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000}
	sizes       = []float64{1 << 10, 4 << 10, 16 << 10, 50 << 10, 256 << 10, 1 << 20, 2 << 20, 5 << 20, 10 << 20}
	attempts    = []float64{1, 2, 3, 5, 10, 20, 50}
)

// Metrics of a producer. "stored" and "failed" are final; a Kinesis record is an aggregate, or a record on its own.
var (
	Records         = metric(Counter, "producer.records", "{record}", "Records that have their result.", "stream result")
	RecordBytes     = metric(Counter, "producer.stored", "By", "Data and keys of the records that were stored.", "stream")
	RecordFailures  = metric(Counter, "producer.failures", "{record}", "Records that failed for good, by reason.", "stream reason")
	RecordAttempts  = metric(Histogram, "producer.record_attempts", "{attempt}", "How often Kinesis records were sent until their result.", "stream", attempts...)
	Aggregated      = metric(Histogram, "producer.aggregate_records", "{record}", "Records in a Kinesis record.", "stream", counts...)
	BufferingTime   = metric(Histogram, "producer.buffering", "s", "Time before each attempt of a Kinesis record: from the Put of its first record, or from the attempt before.", "stream", waitTime...)
	Requests        = metric(Counter, "producer.requests", "{request}", "PutRecords calls; partial: some records were refused.", "stream result")
	RequestTime     = metric(Histogram, "producer.request", "s", "Time that PutRecords calls took.", "stream", requestTime...)
	RequestRecords  = metric(Histogram, "producer.request_records", "{record}", "Kinesis records in a PutRecords call.", "stream", counts...)
	RequestBytes    = metric(Histogram, "producer.request_size", "By", "Data and keys in a PutRecords call.", "stream", sizes...)
	Retries         = metric(Counter, "producer.retries", "{record}", "Kinesis records that are sent again, by the code of the attempt before.", "stream code")
	WriteThrottles  = metric(Counter, "producer.throttled", "{record}", "Attempts that were refused because a rate was exceeded (WriteProvisionedThroughputExceeded).", "stream")
	WrongShard      = metric(Counter, "producer.wrong_shard", "{record}", "Records sent again because their aggregate fell into another shard.", "stream")
	HotShards       = metric(Counter, "producer.hot_shard", "{report}", "Reports of a shard that throttles while the stream has room.", "stream shard")
	Fallbacks       = metric(Counter, "producer.fallbacks", "{fallback}", "Times that a server did not take CBOR.", "stream")
	Panics          = metric(Counter, "producer.callback_panics", "{panic}", "Done functions that panicked.", "stream")
	ProducerShards  = metric(Gauge, "producer.shards", "{shard}", "Open shards, by the newest listing.", "stream")
	Degraded        = metric(Gauge, "producer.degraded", "1", "1 while the shards are not known and nothing is aggregated.", "stream")
	BufferedRecords = metric(Gauge, "producer.buffered_records", "{record}", "Records that have no result yet.", "stream")
	BufferedBytes   = metric(Gauge, "producer.buffered", "By", "Data and keys that are buffered.", "stream")
)

// Metrics of a consumer.
var (
	Handled        = metric(Counter, "consumer.records", "{record}", "Records that are done.", "stream")
	HandlerTime    = metric(Histogram, "consumer.handler", "s", "Time that calls of the handler took.", "stream", handlerTime...)
	BatchRecords   = metric(Histogram, "consumer.batch_records", "{record}", "Records in a call of the handler.", "stream", counts...)
	RecordAge      = metric(Histogram, "consumer.record_age", "s", "Age of a batch's last record when it was done, from its arrival at the service.", "stream", recordAge...)
	HandlerFails   = metric(Counter, "consumer.handler_failures", "{call}", "Calls of the handler that failed.", "stream")
	FailedRecords  = metric(Counter, "consumer.failed_records", "{record}", "Records that were not done when a call of the handler failed.", "stream")
	DeadLetters    = metric(Counter, "consumer.dead_letters", "{record}", "Records handed to the dead-letter sink.", "stream result")
	Fetches        = metric(Histogram, "consumer.fetch", "s", "Time that GetRecords calls took, or that an event was waited for.", "stream", requestTime...)
	FetchedRecords = metric(Counter, "consumer.fetched_records", "{record}", "Kinesis records that were fetched.", "stream")
	FetchedBytes   = metric(Counter, "consumer.fetched", "By", "Data and keys that were fetched.", "stream")
	FetchFails     = metric(Counter, "consumer.fetch_failures", "{call}", "Reads that failed, by code.", "stream code")
	ReadThrottles  = metric(Counter, "consumer.throttled", "{call}", "Reads that were refused because a rate was exceeded (ReadProvisionedThroughputExceeded).", "stream")
	Checkpoints    = metric(Histogram, "consumer.checkpoint", "s", "Time that checkpoints took.", "stream", requestTime...)
	CheckpointFail = metric(Counter, "consumer.checkpoint_failures", "{checkpoint}", "Checkpoints that could not be written.", "stream")
	Trims          = metric(Counter, "consumer.trimmed", "{event}", "Times that records had left the stream before they were read.", "stream")
	Malformed      = metric(Counter, "consumer.malformed_aggregates", "{record}", "Aggregates that could not be taken apart.", "stream")
	OutsideShard   = metric(Counter, "consumer.outside_shard", "{record}", "Members of aggregates that do not belong to their shard.", "stream")
	ReadFallbacks  = metric(Counter, "consumer.fallbacks", "{fallback}", "Times that a server did not take CBOR.", "")
	NearRetention  = metric(Counter, "consumer.near_retention", "{report}", "Reports of a shard whose lag nears the stream's retention.", "stream")
	PolledInstead  = metric(Counter, "consumer.polled_instead", "{event}", "Times that a stream was polled because enhanced fan-out could not be had.", "stream")
	Calls          = metric(Histogram, "consumer.call", "s", "Time that calls of the Kinesis API took.", "op", requestTime...)
	CallFails      = metric(Counter, "consumer.call_failures", "{call}", "Calls of the Kinesis API that failed.", "op")
	Syncs          = metric(Counter, "consumer.syncs", "{sync}", "Comparisons of a stream's leases with its shards.", "stream result")
	BehindLatest   = metric(Gauge, "consumer.behind_latest", "s", "MillisBehindLatest of a shard's last page, in seconds.", "stream shard")
	Lag            = metric(Gauge, "consumer.lag", "s", "How far a shard is behind at most: as of its last page, and the time since.", "stream shard")
	WorstLag       = metric(Gauge, "consumer.worst_lag", "s", "The greatest lag of the shards that this worker reads.", "")
	ShardsRead     = metric(Gauge, "consumer.shards", "{shard}", "Shards in this worker, by state.", "stream state")
)

// Metrics of a worker's leases.
var (
	LeasesHeld     = metric(Gauge, "leases.held", "{lease}", "Leases that this worker holds.", "")
	LeasesKnown    = metric(Gauge, "leases.known", "{lease}", "Leases of shards that are not read to their ends, in the table or the part of it that was read last.", "")
	LeasesUnheld   = metric(Gauge, "leases.unheld", "{lease}", "Those of them that no worker holds.", "")
	LeasesAcquired = metric(Counter, "leases.acquired", "{lease}", "Leases that this worker came to hold.", "")
	LeasesTaken    = metric(Counter, "leases.takeovers", "{lease}", "Leases that this worker set out to take from workers that had fallen silent, or from nobody.", "")
	LeasesLost     = metric(Counter, "leases.lost", "{lease}", "Leases that were lost.", "")
	LeasesReleased = metric(Counter, "leases.released", "{lease}", "Leases given up in good order; handoff: to a certain worker.", "kind")
	LeasesAsked    = metric(Counter, "leases.handoffs_asked", "{lease}", "Handoffs that others asked of this worker.", "")
	LeasesRefused  = metric(Counter, "leases.handoffs_refused", "{lease}", "Handoffs that failed because the handler did not return.", "")
	LeasesEnded    = metric(Counter, "leases.ended", "{lease}", "Shards that this worker has read to their ends.", "")
	LeasesGiven    = metric(Counter, "leases.given", "{lease}", "Leases without a live holder that this worker wrote in another one's name.", "")
	LeasesRepaired = metric(Counter, "leases.repaired", "{lease}", "Leases that were missing, and were created.", "")
	LeasesDeleted  = metric(Counter, "leases.deleted", "{lease}", "Leases that nobody needs any more.", "")
	StoreCalls     = metric(Histogram, "leases.call", "s", "Time that calls to the lease table took, by what they are for where that is told.", "op purpose", requestTime...)
	Conflicts      = metric(Counter, "leases.conflicts", "{call}", "Writes to the lease table that came after somebody else's, or after an earlier attempt of their own.", "purpose")
	Audits         = metric(Counter, "leases.audits", "{audit}", "Comparisons of all leases with all shards; partial: leases were missing; failed: streams could not be listed.", "result")
	StoreFailures  = metric(Counter, "leases.store_failures", "{call}", "Calls to the lease table that failed.", "op")
	DamagedRows    = metric(Gauge, "leases.damaged_rows", "{row}", "Rows that should be leases and cannot be read.", "")
)
