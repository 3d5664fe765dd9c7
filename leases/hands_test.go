package leases_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/leases"
)

// counter is a table whose writes take time, and that knows when they came and how many were under way at once.
type counter struct {
	leases.Store
	takes time.Duration

	mu      sync.Mutex // guards the fields below
	now     int
	most    int
	arrived []time.Time
}

func (c *counter) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.arrived = append(c.arrived, time.Now())
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	if err := sleep(ctx, c.takes); err != nil {
		return leases.Lease{}, err
	}
	return c.Store.Write(ctx, w)
}

// rest forgets what was, waits, and returns what came meanwhile.
func (c *counter) rest(d time.Duration) (most int, arrived []time.Time) {
	c.mu.Lock()
	c.most, c.arrived = c.now, nil
	c.mu.Unlock()
	time.Sleep(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most, c.arrived
}

// holdAll starts a worker that holds n leases of a table and does nothing with them.
func holdAll(t *testing.T, table leases.Store, n int) (f *fleet) {
	t.Helper()
	f = newFleet(t, table)
	f.create(n)
	f.start("a", func(c *leases.Config) { c.Store, c.Work = table, obedient })
	f.await(30*time.Second, "all held", func(load map[string]int) bool { return load["a"] == n })
	time.Sleep(10 * time.Second) // the first renewals are where chance has put them
	return f
}

func TestRenewalsComeInStrokesAndFewAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total, stroke = 400, 3308333333 * time.Nanosecond / 12
		table := &counter{Store: leases.NewMemory(), takes: time.Millisecond}
		f := holdAll(t, table, total)
		most, arrived := table.rest(time.Minute)
		if most > 8 {
			t.Errorf("%d renewals at once", most)
		}
		// 400 every 3.3 seconds are 33 for each stroke, which take eight hands five milliseconds.
		moments := make(map[time.Duration]int)
		for _, at := range arrived {
			moments[(at.Sub(arrived[0])%stroke).Round(time.Millisecond)]++
		}
		if len(moments) > 20 {
			t.Errorf("renewals came at %d different moments of a stroke", len(moments))
		}
		if n := len(arrived); n < total*60*10/34 || n > total*60*10/32 {
			t.Errorf("%d renewals in a minute", n)
		}
		f.stopAll()
	})
}

// Eight at once would be 26 a second, and 60 are needed.
func TestRenewalsThatTakeLongAreMadeByMoreThanTheHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 200
		table := &counter{Store: leases.NewMemory(), takes: 300 * time.Millisecond}
		f := holdAll(t, table, total)
		begun := f.allBegun()
		if most, arrived := table.rest(time.Minute); most <= 8 || len(arrived) < total*60*10/36 {
			t.Errorf("%d renewals in a minute, %d at once", len(arrived), most)
		}
		if now := f.allBegun(); now != begun {
			t.Errorf("%d leases were lost", now-begun)
		}
		f.stopAll()
	})
}
