package cloudwatch

import (
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
)

// The operations under which the KCL puts its metrics of leases.
const (
	renewAllLeases = "RenewAllLeases"
	takeLeases     = "TakeLeases"
	leaseDiscovery = "LeaseDiscovery"
	workerReporter = "WorkerMetricStatsReporter"
	shardSyncTask  = "ShardSyncTask"
	periodicSync   = "PeriodicShardSyncManager"
)

func (m *Metrics) leaseHooks() leases.Hooks {
	return leases.Hooks{
		Lost:    func(leases.Lease, error) { m.worker(renewAllLeases, "LostLeases", Summary, 1) },
		Scanned: m.scanned,
		Called:  m.storeCalled,
		Audited: m.audited,
	}
}

// worker counts something of leases, by worker where that is wanted.
func (m *Metrics) worker(operation, name string, level Level, v float64) {
	m.workerIn(operation, name, count, level, v)
}

func (m *Metrics) workerIn(operation, name string, unit types.StandardUnit, level Level, v float64) {
	if level <= m.cfg.Level {
		m.store.add(series{name: name, unit: unit, operation: operation, worker: m.cfg.WorkerID}, v, 1)
	}
}

// workerTimed puts a Success and a Time; name ends in a dot, or is empty.
func (m *Metrics) workerTimed(operation, name string, level Level, took time.Duration, err error) {
	m.worker(operation, name+"Success", level, success(err))
	m.workerIn(operation, name+"Time", millis, level, float64(took.Milliseconds()))
}

// taskTimed is workerTimed for operations without the worker's dimension.
func (m *Metrics) taskTimed(operation, name string, level Level, took time.Duration, err error) {
	m.part(operation, name+"Success", count, level, "", "", success(err))
	m.part(operation, name+"Time", millis, level, "", "", float64(took.Milliseconds()))
}

// scanned tells what there is. What is taken counts when it is known that it was; 0 shows that the worker looks.
func (m *Metrics) scanned(s leases.Snapshot, p leases.Planned) {
	m.worker(takeLeases, "TakenLeases", Summary, 0)
	m.worker(takeLeases, "UntakenLeases", Summary, 0)
	m.worker(takeLeases, "ExpiredLeases", Summary, float64(p.Idle))
	m.worker(takeLeases, "VeryOldLeases", Summary, float64(p.Old))
	m.worker(takeLeases, "NumWorkers", Summary, float64(workers(s)))
	m.worker(takeLeases, "TotalLeases", Detailed, float64(len(s.Leases)))
	m.worker(takeLeases, "LeasesToTake", Detailed, float64(p.Take))
	m.worker(takeLeases, "NeededLeases", Detailed, float64(max(0, p.Share-m.state.Held())))
}

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

// storeCalled is one call to the store.
func (m *Metrics) storeCalled(c leases.Called) {
	switch c.Op {
	case "Scan", "ScanPart":
		m.workerTimed(takeLeases, "", Summary, c.Duration, c.Err)
		m.workerTimed(takeLeases, "ListLeases.", Detailed, c.Duration, c.Err)
	case "KeysOf":
		m.workerTimed(leaseDiscovery, "", Summary, c.Duration, c.Err)
		m.workerIn(leaseDiscovery, "ListLeaseKeysForWorker.Time", millis, Detailed, float64(c.Duration.Milliseconds()))
	case "Get":
		if c.Err != nil && !errors.Is(c.Err, leases.ErrNotFound) {
			m.worker(leaseDiscovery, "GetLease:Error", Summary, 1)
		}
	case "Beat":
		m.workerTimed(workerReporter, "", Summary, c.Duration, c.Err)
	case "Create":
		m.created(c)
	case "Write":
		m.written(c)
	}
}

// created is a lease that was to be created: by a synchronisation or an audit, or at a shard's end.
func (m *Metrics) created(c leases.Called) {
	task := shardSyncTask
	if c.For == "child" || c.For == "parent" {
		task = shutdownTask
	}
	m.taskTimed(task, "CreateLease.", Detailed, c.Duration, c.Err)
	if c.For == "parent" && c.Created {
		m.operation(shutdownTask, "MissingMergeParentLease", count, 1)
	}
}

// written is a change of a lease.
func (m *Metrics) written(c leases.Called) {
	switch c.For {
	case "renew":
		m.workerTimed(renewAllLeases, "", Summary, c.Duration, c.Err)
		m.workerTimed(renewAllLeases, "RenewLease.", Detailed, c.Duration, c.Err)
	case "adopt":
		m.worker(leaseDiscovery, "NewLeasesDiscovered", Detailed, success(c.Err))
	case "take":
		name := "TakenLeases"
		if c.Err != nil {
			name = "UntakenLeases"
		}
		m.worker(takeLeases, name, Summary, 1)
		m.workerTimed(takeLeases, "TakeLease.", Detailed, c.Duration, c.Err)
	case "end":
		end := strings.LastIndex(c.Key, ":") // before it is the stream's id
		stream, shard := c.Key[:max(0, end)], c.Key[end+1:]
		m.part(shutdownTask, "UpdateLease.Success", count, Detailed, stream, shard, success(c.Err))
		m.part(shutdownTask, "UpdateLease.Time", millis, Detailed, stream, shard, float64(c.Duration.Milliseconds()))
	}
}

func (m *Metrics) synced(s consumer.Synced) {
	m.taskTimed(shardSyncTask, "", Summary, s.Duration, s.Err)
	m.part(shardSyncTask, "SyncShards.Success", count, Detailed, "", "", success(s.Err))
}

func (m *Metrics) audited(a leases.Audited) {
	m.taskTimed(periodicSync, "", Summary, a.Duration, a.Err)
	m.operation(periodicSync, "NumStreamsWithPartialLeases", count, float64(a.Partial))
	m.operation(periodicSync, "NumStreamsToSync", count, float64(a.Repaired))
}
