package cloudwatch

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/metrics/internal/catalog"
)

// The operations under which the KCL puts its metrics.
const (
	processTask        = "ProcessTask"
	applicationTracker = "ApplicationTracker"
	initializeTask     = "InitializeTask"
	shutdownTask       = "ShutdownTask"
	renewAllLeases     = "RenewAllLeases"
	takeLeases         = "TakeLeases"
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
		Leases: leases.Hooks{
			Lost: func(leases.Lease, error) { m.worker(renewAllLeases, "LostLeases", 1) },
			Scanned: func(s leases.Snapshot, p leases.Planned) {
				m.worker(takeLeases, "TakenLeases", float64(p.Take))
				m.worker(takeLeases, "TotalLeases", float64(len(s.Leases)))
				m.worker(takeLeases, "NumWorkers", float64(workers(s)))
			},
		},
	}
	return consumer.Tee(m.state.Consumer(discard{}), own)
}

// discard is a sink for those who are after what stands alone.
type discard struct{}

// Add and Observe do nothing.
func (discard) Add(*catalog.Metric, float64, ...string) {}

// Observe does nothing.
func (discard) Observe(*catalog.Metric, float64, ...string) {}

// workers counts those that hold leases.
func workers(s leases.Snapshot) int {
	holders := make(map[string]bool)
	for i := range s.Leases {
		if holder := s.Leases[i].Holder(); holder != "" {
			holders[holder] = true
		}
	}
	return len(holders)
}

// shard counts a value of ProcessTask, by the shard where that is wanted.
func (m *Metrics) shard(name string, unit types.StandardUnit, level Level, of consumer.Shard, v float64) {
	if level > m.cfg.Level {
		return
	}
	s := series{name: name, unit: unit, operation: processTask}
	if m.cfg.Shards {
		s.shard = of.ID
	}
	m.store.add(s, v, 1)
}

// timed puts a Success and a Time, as the KCL does for whatever it calls.
func (m *Metrics) timed(name string, level Level, of consumer.Shard, took time.Duration, err error) {
	ok := 1.
	if err != nil {
		ok = 0
	}
	m.shard(name+".Success", count, level, of, ok)
	m.shard(name+".Time", millis, level, of, float64(took.Milliseconds()))
}

func (m *Metrics) fetchFailed(of consumer.Shard, err error) {
	m.shard("KinesisDataFetcher.getRecords.Success", count, Detailed, of, 0)
	if catalog.Code(err) == "ExpiredIteratorException" {
		m.operation(processTask, "ExpiredIterator", count, 1)
	}
}

func (m *Metrics) handled(h consumer.Handled) {
	m.shard("RecordsProcessed", count, Summary, h.Shard, float64(h.Done))
	m.shard("RecordProcessor.processRecords.Time", millis, Summary, h.Shard, float64(h.Duration.Milliseconds()))
	ok := 1.
	if h.Err != nil {
		ok = 0
		m.shard("FailedRecords", count, Summary, h.Shard, float64(h.Records-h.Done))
	}
	m.shard("Success", count, Summary, h.Shard, ok)
	m.shard("Time", millis, Summary, h.Shard, float64(h.Duration.Milliseconds()))
}

// operation counts a value of the whole worker. All of them belong to Summary.
func (m *Metrics) operation(operation, name string, unit types.StandardUnit, v float64) {
	m.store.add(series{name: name, unit: unit, operation: operation}, v, 1)
}

// worker puts a metric of leases, by worker where that is wanted.
func (m *Metrics) worker(operation, name string, v float64) {
	m.store.add(series{name: name, unit: count, operation: operation, worker: m.cfg.WorkerID}, v, 1)
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
			m.worker(renewAllLeases, "CurrentLeases", v)
		case one == catalog.BufferedRecords && m.cfg.Level >= Detailed:
			p := produced{m: m, stream: labels[0]}
			p.put("UserRecordsPending", count, Detailed, "", v, 1)
		}
	})
}

var errNotPut = errors.New("cloudwatch: not all metrics could be put")
