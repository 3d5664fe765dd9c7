package cloudwatch

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/metrics/internal/catalog"
)

// The operations under which the KCL puts its metrics of shards. Those of leases are in lease.go.
const (
	processTask        = "ProcessTask"
	applicationTracker = "ApplicationTracker"
	initializeTask     = "InitializeTask"
	shutdownTask       = "ShutdownTask"
)

// Consumer returns hooks for the consumer of this process.
func (m *Metrics) Consumer() consumer.Hooks {
	m.consuming.Store(true)
	own := consumer.Hooks{
		Fetched: func(f consumer.Fetched) {
			m.shard("MillisBehindLatest", millis, Summary, f.Shard, float64(f.MillisBehindLatest))
			m.shard("DataBytesProcessed", bytes, Summary, f.Shard, float64(f.Bytes))
			m.timed("KinesisDataFetcher.getRecords", Detailed, f.Shard, f.Duration, nil)
		},
		FetchFailed: m.fetchFailed,
		Handled:     m.handled,
		Started: func(s consumer.Started) {
			m.operation(initializeTask, "RecordProcessor.initialize.Time", millis, float64(s.Duration.Milliseconds()))
		},
		Stopped: func(s consumer.Stopped) {
			m.operation(shutdownTask, "RecordProcessor.shutdown.Time", millis, float64(s.Duration.Milliseconds()))
		},
		Checkpointed: func(c consumer.Checkpointed) { m.timed("UpdateLease", Detailed, c.Shard, c.Duration, c.Err) },
		DeadLettered: func(d consumer.DeadLettered) {
			if d.Err == nil {
				m.shard("DeadLetteredRecords", count, Summary, d.Shard, float64(len(d.Records)))
			}
		},
		Called: m.called,
		Synced: m.synced,
		Leases: m.leaseHooks(),
	}
	return consumer.Tee(m.state.Consumer(discard{}), own)
}

// discard is a sink for those who are after what stands alone.
type discard struct{}

// Add and Observe do nothing.
func (discard) Add(*catalog.Metric, float64, ...string) {}

// Observe does nothing.
func (discard) Observe(*catalog.Metric, float64, ...string) {}

// shard counts a value of ProcessTask, by the shard where that is wanted.
func (m *Metrics) shard(name string, unit types.StandardUnit, level Level, of consumer.Shard, v float64) {
	m.part(processTask, name, unit, level, of.StreamID, of.ID, v)
}

// part counts a value of a shard: by the shard and the stream where that is wanted.
func (m *Metrics) part(operation, name string, unit types.StandardUnit, level Level, stream, shard string, v float64) {
	if level > m.cfg.Level {
		return
	}
	s := series{name: name, unit: unit, operation: operation}
	if m.cfg.Shards {
		s.shard = shard
	}
	if m.cfg.Shards || m.cfg.Streams {
		s.stream = stream
	}
	m.store.add(s, v, 1)
}

// timed puts a Success and a Time, as the KCL does for whatever it calls.
func (m *Metrics) timed(name string, level Level, of consumer.Shard, took time.Duration, err error) {
	m.shard(name+".Success", count, level, of, success(err))
	m.shard(name+".Time", millis, level, of, float64(took.Milliseconds()))
}

// success is what the average of is the rate of success.
func success(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}

func (m *Metrics) called(c consumer.Called) {
	if c.Op == "GetShardIterator" {
		m.timed("KinesisDataFetcher.getShardIterator", Detailed, consumer.Shard{StreamID: c.StreamID, ID: c.Shard}, c.Duration, c.Err)
	}
}

func (m *Metrics) fetchFailed(of consumer.Shard, err error) {
	m.shard("KinesisDataFetcher.getRecords.Success", count, Detailed, of, 0)
	if catalog.Code(err) == "ExpiredIteratorException" {
		m.part(processTask, "ExpiredIterator", count, Summary, of.StreamID, "", 1)
	}
}

func (m *Metrics) handled(h consumer.Handled) {
	m.shard("RecordsProcessed", count, Summary, h.Shard, float64(h.Done))
	m.shard("RecordProcessor.processRecords.Time", millis, Summary, h.Shard, float64(h.Duration.Milliseconds()))
	if h.Err != nil {
		m.shard("FailedRecords", count, Summary, h.Shard, float64(h.Records-h.Done))
	}
	m.shard("Success", count, Summary, h.Shard, success(h.Err))
	m.shard("Time", millis, Summary, h.Shard, float64(h.Duration.Milliseconds()))
}

// operation counts a value of the whole application, at Summary.
func (m *Metrics) operation(operation, name string, unit types.StandardUnit, v float64) {
	m.part(operation, name, unit, Summary, "", "", v)
}

// standing puts what stands, at the end of an interval.
func (m *Metrics) standing() {
	if m.consuming.Load() {
		if worst, known := m.state.Worst(); known {
			m.operation(applicationTracker, "MillisBehindLatest", millis, float64(worst.Milliseconds()))
		}
	}
	m.state.Gauges(func(one *catalog.Metric, v float64, labels ...string) {
		switch {
		case one == catalog.LeasesHeld && m.consuming.Load():
			m.worker(renewAllLeases, "CurrentLeases", Summary, v)
		case one == catalog.BufferedRecords && m.cfg.Level >= Detailed:
			p := produced{m: m, stream: labels[0]}
			p.put("UserRecordsPending", count, Detailed, "", v, 1)
		}
	})
}

var errNotPut = errors.New("cloudwatch: not all metrics could be put")
