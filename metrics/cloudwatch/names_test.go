package cloudwatch_test

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/google/go-cmp/cmp"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/metrics/cloudwatch"
	"github.com/penstock-go/penstock/metrics/internal/metricstest"
	"github.com/penstock-go/penstock/producer"
)

// documented returns the metrics in the table of the package's documentation, with their levels; "-" is one that is not put.
func documented(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "//\toperation ")
	table, _, _ = strings.Cut(table, "\n//\n")
	all := make(map[string]string)
	for _, line := range strings.Split(table, "\n")[1:] {
		field := strings.Fields(line)
		if len(field) < 5 || !slices.Contains([]string{"S", "D", "-"}, field[3]) {
			t.Fatalf("not a line of the table: %s", line)
		}
		names := []string{field[2]}
		if prefix, both := strings.CutSuffix(field[2], "{Success,Time}"); both {
			names = []string{prefix + "Success", prefix + "Time"}
		}
		for _, name := range names {
			if all[field[1]+" "+name] != "" {
				t.Errorf("%s %s is there twice", field[1], name)
			}
			all[field[1]+" "+name] = field[3]
		}
	}
	return all
}

// put returns the names of what was put.
func (w world) put() []string {
	names := make(map[string]bool)
	for _, m := range w.Server.Metrics() {
		operation := m.Dimensions["Operation"]
		if operation == "" {
			operation = "producer"
		}
		names[operation+" "+m.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

var errAway = errors.New("away")

// pending is a producer with records in its buffer.
type pending struct{}

func (pending) Stats() producer.Stats { return producer.Stats{PendingRecords: 1} }

// tellProducer tells of everything that can happen to a producer.
func tellProducer(m *cloudwatch.Metrics) {
	hooks := m.Producer(metricstest.Stream)
	m.Watch(metricstest.Stream, pending{})
	hooks.RequestDone(producer.RequestDone{Records: 1, UserRecords: 1})
	hooks.KinesisRecordDone(producer.KinesisRecordDone{UserRecords: 1})
	hooks.KinesisRecordDone(producer.KinesisRecordDone{UserRecords: 1, Code: "InternalFailure"})
	hooks.UserRecordsDone(producer.UserRecordsDone{UserRecords: 1, Attempts: 1, Bytes: 1})
	hooks.UserRecordsDone(producer.UserRecordsDone{UserRecords: 1, Attempts: 1, Err: producer.ErrExpired})
	hooks.HotShard(producer.HotShard{})
	hooks.WrongShard(producer.WrongShard{UserRecords: 1})
}

// tellConsumer tells of everything that can happen to a consumer but what its leases do.
func tellConsumer(hooks consumer.Hooks, s consumer.Shard) {
	hooks.StateChanged(s, consumer.Opening, consumer.Reading)
	hooks.Fetched(consumer.Fetched{Shard: s})
	for _, op := range []string{"GetShardIterator", "GetRecords", "ListShards"} {
		hooks.Called(consumer.Called{Op: op, Shard: s.ID, StreamID: s.StreamID})
	}
	hooks.FetchFailed(s, &types.ExpiredIteratorException{})
	hooks.Handled(consumer.Handled{Shard: s, Records: 1, Err: errAway})
	hooks.Started(consumer.Started{Shard: s})
	hooks.Stopped(consumer.Stopped{Shard: s})
	hooks.Checkpointed(consumer.Checkpointed{Shard: s})
	hooks.DeadLettered(consumer.DeadLettered{Failed: consumer.Failed{Shard: s, Records: make([]consumer.Record, 1)}})
	hooks.Synced(consumer.Synced{Stream: s.Stream})
}

// tellLeases tells of everything that can happen to leases.
func tellLeases(hooks leases.Hooks, key string) {
	hooks.Acquired(leases.Lease{Key: key})
	hooks.Scanned(leases.Snapshot{}, leases.Planned{Take: 1, Share: 3, Idle: 2, Old: 1})
	hooks.Audited(leases.Audited{Streams: 2, Partial: 2, Repaired: 1})
	for _, op := range []string{"Scan", "ScanPart", "KeysOf", "Get", "Beat", "Check", "Leader", "Worker", "Delete"} {
		hooks.Called(leases.Called{Op: op})
		hooks.Called(leases.Called{Op: op, Err: errAway})
	}
	for _, purpose := range []string{"sync", "child", "parent", "repair"} {
		hooks.Called(leases.Called{Op: "Create", For: purpose, Key: key, Created: true})
	}
	for _, purpose := range []string{"renew", "adopt", "checkpoint", "end", "pin", "take", "give", "ask", "offer", "complete", "refuse", "assign", "evict"} {
		hooks.Called(leases.Called{Op: "Write", For: purpose, Key: key, Duration: time.Second})
		hooks.Called(leases.Called{Op: "Write", For: purpose, Key: key, Err: errAway})
	}
	hooks.Lost(leases.Lease{Key: "other"}, errAway)
}

func TestWhatIsPutIsWhatTheDocumentationListsAtItsLevels(t *testing.T) {
	table := documented(t)
	for level, letters := range map[cloudwatch.Level]string{cloudwatch.Summary: "S", cloudwatch.Detailed: "SD"} {
		inWorld(t, func(w world) {
			m := w.metrics(func(c *cloudwatch.Config) { c.Level = level })
			tellProducer(m)
			hooks := m.Consumer()
			tellConsumer(hooks, consumer.Shard{Stream: metricstest.Stream, ID: "s"})
			tellLeases(hooks.Leases, "s")
			w.Must(m.Close(w.Context()))
			var want []string
			for name, of := range table {
				if strings.Contains(letters, of) {
					want = append(want, name)
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, w.put()); diff != "" {
				t.Errorf("level %d, documented (-) and put (+):\n%s", level, diff)
			}
		})
		inWorld(t, func(w world) { // whatever else a program does
			w.run(w.metrics(func(c *cloudwatch.Config) { c.Level = level }))
			for _, name := range w.put() {
				if of := table[name]; of == "" || !strings.Contains(letters, of) {
					t.Errorf("%s is put at level %d, and documented as %q", name, level, of)
				}
			}
		})
	}
}

func TestRenewalsTakesAndIdleLeasesAreCounted(t *testing.T) {
	inWorld(t, func(w world) {
		m := w.metrics(func(c *cloudwatch.Config) { c.Level, c.WorkerID = cloudwatch.Detailed, "w" })
		tellLeases(m.Consumer().Leases, "s")
		w.Must(m.Close(w.Context()))
		got := w.sums()
		for name, want := range map[string]float64{
			"RenewLease.Success Count Operation=RenewAllLeases WorkerIdentifier=w": 1, "RenewLease.Time Milliseconds Operation=RenewAllLeases WorkerIdentifier=w": 1000,
			"TakenLeases Count Operation=TakeLeases WorkerIdentifier=w": 1, "UntakenLeases Count Operation=TakeLeases WorkerIdentifier=w": 1,
			"ExpiredLeases Count Operation=TakeLeases WorkerIdentifier=w": 2, "VeryOldLeases Count Operation=TakeLeases WorkerIdentifier=w": 1,
			"NeededLeases Count Operation=TakeLeases WorkerIdentifier=w": 2, "LeasesToTake Count Operation=TakeLeases WorkerIdentifier=w": 1,
			"CreateLease.Success Count Operation=ShutdownTask": 2, "CreateLease.Success Count Operation=ShardSyncTask": 2,
			"NewLeasesDiscovered Count Operation=LeaseDiscovery WorkerIdentifier=w": 1, "GetLease:Error Count Operation=LeaseDiscovery WorkerIdentifier=w": 1,
			"NumStreamsWithPartialLeases Count Operation=PeriodicShardSyncManager": 2, "NumStreamsToSync Count Operation=PeriodicShardSyncManager": 1,
		} {
			if value, there := got[name]; !there || value != want {
				t.Errorf("%s: %v (%v), want %v", name, value, there, want)
			}
		}
	})
}

// Shards of different streams have the same ids, and must not be counted as one.
func TestSeveralStreamsAreToldApart(t *testing.T) {
	told := func(t *testing.T, change func(*cloudwatch.Config)) (got map[string]float64) {
		inWorld(t, func(w world) {
			m := w.metrics(change)
			for _, id := range []string{"1:a:7", "1:b:7"} {
				hooks := m.Consumer()
				hooks.Handled(consumer.Handled{Shard: consumer.Shard{StreamID: id, ID: "s"}, Records: 3, Done: 3})
				hooks.Leases.Called(leases.Called{Op: "Write", For: "end", Key: id + ":s"})
			}
			w.Must(m.Close(w.Context()))
			got = w.sums()
		})
		maps.DeleteFunc(got, func(name string, _ float64) bool {
			return !strings.HasPrefix(name, "RecordsProcessed") && !strings.HasPrefix(name, "UpdateLease.Success")
		})
		return got
	}
	done, ended := "RecordsProcessed Count Operation=ProcessTask", "UpdateLease.Success Count Operation=ShutdownTask"
	for name, of := range map[string]struct {
		change func(*cloudwatch.Config)
		want   map[string]float64
	}{
		"neither": {func(*cloudwatch.Config) {}, map[string]float64{done: 6}},
		"streams": {func(c *cloudwatch.Config) { c.Streams = true }, map[string]float64{done: 6, done + " StreamId=1:a:7": 3, done + " StreamId=1:b:7": 3}},
		"shards": {func(c *cloudwatch.Config) { c.Shards, c.Level = true, cloudwatch.Detailed }, map[string]float64{
			done: 6, done + " StreamId=1:a:7": 3, done + " StreamId=1:b:7": 3, done + " ShardId=s StreamId=1:a:7": 3, done + " ShardId=s StreamId=1:b:7": 3,
			ended: 2, ended + " StreamId=1:a:7": 1, ended + " StreamId=1:b:7": 1, ended + " ShardId=s StreamId=1:a:7": 1, ended + " ShardId=s StreamId=1:b:7": 1,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(of.want, told(t, of.change)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The documentation reckons with these.
func TestAStreamOfSeveralAddsSixMetricsAndTwelve(t *testing.T) {
	for level, want := range map[cloudwatch.Level]int{cloudwatch.Summary: 6, cloudwatch.Detailed: 12} {
		inWorld(t, func(w world) {
			m := w.metrics(func(c *cloudwatch.Config) { c.Streams, c.Level = true, level })
			tellConsumer(m.Consumer(), consumer.Shard{StreamID: "1:a:7", ID: "s"})
			w.Must(m.Close(w.Context()))
			n := 0
			for name := range w.sums() {
				trouble := strings.HasPrefix(name, "ExpiredIterator") || strings.HasPrefix(name, "FailedRecords") || strings.HasPrefix(name, "DeadLettered")
				if strings.Contains(name, "StreamId=") && !trouble {
					n++
				}
			}
			if n != want {
				t.Errorf("level %d: %d metrics, want %d", level, n, want)
			}
		})
	}
}
