package leases_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

// `make scale` says more. What is measured is virtual time: the real client against a table that answers each call in 10 ms, pages as the
// service does, and takes what a new table on demand takes.
var (
	scaleShards  = flag.Int("shards", defaultShards, "leases of the scale tests")
	scaleWorkers = flag.Int("workers", defaultWorkers, "workers of the scale tests")
	scaleRest    = flag.Duration("rest", 9*time.Second, "how long what a fleet consumes after its start is measured")
	restFleets   = flag.String("fleets", "10x2 100x4 500x60", "shards and workers of the fleets whose consumption at rest is measured")
)

const (
	period    = 3308 * time.Millisecond // between two renewals of a lease
	callTime  = 10 * time.Millisecond
	newReads  = 12_000 // units a second of a new table on demand
	newWrites = 4_000
)

// crowd is a fleet of workers over a metered table, and the judge of who reads what.
type crowd struct {
	*testing.T
	server *kinesistest.Server
	store  leases.Store
	handle func(*leases.Held) // what the workers' handlers do

	mu      sync.Mutex // guards the fields below
	members map[string]*member
	reading map[string]*leases.Held
	reader  map[string]string
	last    map[string]string    // the worker that began to read a shard last
	unread  map[string]time.Time // since when a shard is read by nobody
	longest time.Duration        // for which one was, since the clock was last set
	twice   int                  // how often one began to read while another was trusted
	moves   int                  // handoffs asked for
	lost    int                  // leases that were lost to others
}

// member is a worker of the crowd.
type member struct {
	name string
	stop func()
	done chan struct{} // closed when Run has returned
	err  error         // Run's
}

func newCrowd(t *testing.T, shards int, weather ...kinesistest.Fault) *crowd {
	var opts []kinesistest.Option
	if shards <= 1000 { // the history of a larger fleet takes gigabytes
		opts = append(opts, kinesistest.WithOracle(0))
	}
	server := kinesistest.New(opts...)
	c := &crowd{
		T: t, server: server, handle: obedient, members: make(map[string]*member), reading: make(map[string]*leases.Held), reader: make(map[string]string), last: make(map[string]string),
		unread: make(map[string]time.Time),
	}
	t.Cleanup(func() {
		c.halt()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	c.store = c.connect("the test")
	if err := c.store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range shards {
		l := leases.Lease{Key: shardKey(i), StartingHashKey: fmt.Sprint(i), EndingHashKey: fmt.Sprint(i)}
		if created, err := c.store.Create(t.Context(), l); err != nil || !created {
			t.Fatalf("create %s: %v, %v", l.Key, created, err)
		}
	}
	server.SetTableLimits(kinesistest.TableLimits{OnDemandReads: newReads, OnDemandWrites: newWrites})
	for _, fault := range append(weather, kinesistest.Fault{Service: kinesistest.DynamoDB, Do: kinesistest.Delay(callTime/2, callTime/2)}) {
		server.Inject(fault)
	}
	return c
}

func (c *crowd) connect(name string) leases.Store {
	store, err := dynamo.New(dynamo.Config{API: c.server.As(name).DynamoDB(), Table: "scale"})
	if err != nil {
		c.Fatal(err)
	}
	return store
}

// join starts a worker.
func (c *crowd) join(name string) { c.joinBy(name, c.connect(name)) }

// joinBy starts a worker that comes to the table in a way of its own.
func (c *crowd) joinBy(name string, store leases.Store) {
	m := &member{name: name, done: make(chan struct{})}
	w, err := leases.New(leases.Config{
		Store: store, Worker: name, Work: func(h *leases.Held) { c.work(name, h) },
		Hooks: leases.Hooks{
			HandoffAsked: func(leases.Lease) { c.mu.Lock(); defer c.mu.Unlock(); c.moves++ },
			Lost:         func(leases.Lease, error) { c.mu.Lock(); defer c.mu.Unlock(); c.lost++ },
		},
	})
	if err != nil {
		c.Fatal(err)
	}
	ctx, cancel := context.WithCancel(c.Context())
	m.stop = cancel
	c.mu.Lock()
	c.members[name] = m
	c.mu.Unlock()
	go func() {
		defer close(m.done)
		m.err = w.Run(ctx)
	}()
}

// kill cuts a worker off for good: nothing that it sends arrives, and the others cannot tell that from its death.
func (c *crowd) kill(name string) {
	c.server.Inject(kinesistest.Fault{Caller: name, Do: kinesistest.Reset()})
}

func (c *crowd) work(name string, h *leases.Held) {
	key := h.Lease().Key
	c.mu.Lock()
	if other := c.reading[key]; other != nil && other.Context().Err() == nil {
		c.twice++
	}
	if since, was := c.unread[key]; was {
		c.longest = max(c.longest, time.Since(since))
		delete(c.unread, key)
	}
	c.reading[key], c.reader[key], c.last[key] = h, name, name
	c.mu.Unlock()
	c.handle(h)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading[key] == h {
		delete(c.reading, key)
		delete(c.reader, key)
		c.unread[key] = time.Now()
	}
}

// replaced reports whether every shard that a worker read has been begun by another one since.
func (c *crowd) replaced(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.Contains(slices.Collect(maps.Values(c.last)), name)
}

// load returns how many shards each worker reads.
func (c *crowd) load() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	load := make(map[string]int)
	for key, h := range c.reading {
		if h.Context().Err() == nil {
			load[c.reader[key]]++
		}
	}
	return load
}

// within fails the test unless the condition holds in time, and returns when it did.
func (c *crowd) within(limit time.Duration, what string, ok func(map[string]int) bool) time.Duration {
	c.Helper()
	start := time.Now()
	for load := c.load(); !ok(load); load = c.load() {
		if time.Since(start) > limit {
			counts := []int{}
			for _, n := range load {
				counts = append(counts, n)
			}
			slices.Sort(counts)
			c.Fatalf("%s: not within %v: %d read, by worker %v", what, limit, sum(load), counts)
		}
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(start)
	c.Logf("%-60s %6.1f s", what, took.Seconds())
	return took
}

// cost runs for a while, a whole number of renewal periods, and tells what the fleet consumes in it.
func (c *crowd) cost(what string, d time.Duration) (reads, writes float64) {
	d = d.Round(period)
	r0, w0 := c.server.ConsumedCapacity("scale")
	time.Sleep(d)
	r1, w1 := c.server.ConsumedCapacity("scale")
	reads, writes = (r1-r0)/d.Seconds(), (w1-w0)/d.Seconds()
	c.Logf("%-60s %6.0f read units/s, %.0f write units/s", what, reads, writes)
	return reads, writes
}

// clock begins to measure for how long shards are read by nobody.
func (c *crowd) clock() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.longest, c.moves, c.lost = 0, 0, 0
}

func (c *crowd) unreadFor() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.longest
}

// halt stops every worker.
func (c *crowd) halt() {
	c.mu.Lock()
	members := maps.Clone(c.members)
	c.mu.Unlock()
	for _, m := range members {
		m.stop()
	}
	for _, m := range members {
		<-m.done
	}
}

// end stops every worker and passes judgement.
func (c *crowd) end() {
	c.halt()
	c.mu.Lock()
	twice := c.twice
	c.mu.Unlock()
	if twice > 0 {
		c.Errorf("%d shards were begun while another reader was trusted", twice)
	}
	if c.server.Oracle() == nil {
		return
	}
	for _, verdict := range oracle.Check(c.server.Oracle().History(), oracle.Report{
		Consumers: []oracle.Consumer{{Name: "fleet", Table: "scale", FailoverTime: 9 * time.Second}}, // for as long as a holder trusts a write
	}) {
		c.Errorf("the oracle: %v", verdict)
	}
}

func TestAFleetAtScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shards, workers := *scaleShards, *scaleWorkers
		c := newCrowd(t, shards)
		var names []string
		for i := range workers {
			names = append(names, fmt.Sprintf("w%03d", i))
			c.join(names[i])
		}
		spread := func(load map[string]int) bool { return even(load, shards, names...) }
		c.within(30*time.Second, "from an empty table to even", spread)
		time.Sleep(10 * time.Second)
		_, writes := c.cost("at rest", *scaleRest)
		if limit := float64(shards)/3.3 + float64(workers); writes > limit*1.05 {
			t.Errorf("%.0f write units a second, more than one write for each lease and renewal period (%.0f)", writes, limit)
		}

		c.clock()
		c.join("joiner")
		names = append(names, "joiner")
		c.within(30*time.Second, "one joined: even", spread)
		t.Logf("%d handoffs, no shard unread for more than %v", c.moves, c.unreadFor())
		if c.lost > 0 {
			t.Errorf("%d leases were lost though nobody died: their records are handled twice", c.lost)
		}

		time.Sleep(*scaleRest / 3)
		c.clock()
		c.kill(names[0])
		dead := names[0]
		names = names[1:]
		c.within(13*time.Second, "one was killed: all read", func(map[string]int) bool { return c.replaced(dead) })
		c.within(30*time.Second, "even again", spread)

		time.Sleep(*scaleRest / 3)
		c.clock()
		leaver := c.members[names[0]]
		leaver.stop()
		<-leaver.done
		if leaver.err != nil {
			t.Error(leaver.err)
		}
		left := names[0]
		names = names[1:]
		c.within(2*time.Second, "one stopped: all read", func(map[string]int) bool { return c.replaced(left) })
		t.Logf("no shard unread for more than %v", c.unreadFor())
		if c.unreadFor() > time.Second {
			t.Errorf("a stopped worker's shard was unread for %v", c.unreadFor())
		}
		c.end()
	})
}

// A fleet writes each lease once in a renewal period and each worker's row once in a beat, and reads the table by its watchers: what it consumes
// grows with the shards, and hardly with the workers.
func TestAFleetAtRestConsumesLittle(t *testing.T) {
	for _, size := range strings.Fields(*restFleets) {
		t.Run(size, func(t *testing.T) {
			var shards, workers int
			if _, err := fmt.Sscanf(size, "%dx%d", &shards, &workers); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { measureRest(t, shards, workers) })
		})
	}
}

func measureRest(t *testing.T, shards, workers int) {
	c := newCrowd(t, shards)
	var names []string
	for i := range workers {
		names = append(names, fmt.Sprintf("w%03d", i))
		c.join(names[i])
	}
	c.within(30*time.Second, "from an empty table to even", func(load map[string]int) bool { return even(load, shards, names...) })
	time.Sleep(30*time.Second + time.Duration(workers)*200*time.Millisecond) // until everybody has looked at the whole table once more
	reads, writes := c.cost("at rest", 30*time.Second)
	if limit := float64(shards)/3.3 + float64(workers); writes > limit*1.05 {
		t.Errorf("%.0f write units a second, want %.0f", writes, limit)
	}
	// A unit reads twenty rows, and each is read by two watchers, or in small tables by everybody, every two seconds, with some to spare for plans.
	// A worker asks the index twice a second, and now and then for the leader's row.
	if limit := float64(shards*min(workers, 3))/2/20 + 1.25*float64(workers) + 5; reads > limit {
		t.Errorf("%.0f read units a second, want no more than %.0f", reads, limit)
	}
	c.end()
}

// The same while one call in twenty is throttled and one reply in a hundred is lost.
func TestAFleetAtScaleInFoulWeather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shards, workers := *scaleShards, *scaleWorkers
		c := newCrowd(t, shards,
			kinesistest.Fault{Service: kinesistest.DynamoDB, Probability: 0.05, Seed: 5, Do: kinesistest.Throttle()},
			kinesistest.Fault{Service: kinesistest.DynamoDB, Probability: 0.01, Seed: 6, Do: kinesistest.DropReply()})
		var names []string
		for i := range workers {
			names = append(names, fmt.Sprintf("w%03d", i))
			c.join(names[i])
		}
		spread := func(load map[string]int) bool { return even(load, shards, names...) }
		c.within(60*time.Second, "from an empty table to even", spread)
		c.clock()
		time.Sleep(*scaleRest)
		c.kill(names[0])
		dead := names[0]
		names = names[1:]
		c.within(30*time.Second, "one was killed: all read", func(map[string]int) bool { return c.replaced(dead) })
		time.Sleep(*scaleRest)
		if unread := c.unreadFor(); unread > 30*time.Second {
			t.Errorf("a shard was unread for %v, more than three failover times", unread)
		}
		t.Logf("no shard unread for more than %v", c.unreadFor())
		c.end()
	})
}
