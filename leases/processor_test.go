package leases

import (
	"fmt"
	"runtime"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

// machine is a machine's files, which are written anew for each moment.
type machine struct {
	fstest.MapFS
	start time.Time
}

func newMachine() *machine { return &machine{MapFS: fstest.MapFS{}, start: time.Now()} }

func (m *machine) write(name, format string, args ...any) {
	m.MapFS[name] = &fstest.MapFile{Data: fmt.Appendf(nil, format, args...)}
	m.MapFS["proc/uptime"] = &fstest.MapFile{Data: fmt.Appendf(nil, "%.2f 0.00\n", 1000+time.Since(m.start).Seconds())}
}

func TestAProcessorsUseIsReadWhereLinuxTellsOfIt(t *testing.T) {
	cores := float64(runtime.NumCPU())
	for name, c := range map[string]struct {
		write func(m *machine, passed float64)
		want  float64
	}{
		"a container of version 2 with a core and a half": {func(m *machine, passed float64) {
			m.write("sys/fs/cgroup/cpu.max", "150000 100000\n")
			m.write("sys/fs/cgroup/cpu.stat", "usage_usec %.0f\nuser_usec 7\n", 5e6+0.6e6*passed)
		}, 40},
		"one that may use all there is": {func(m *machine, passed float64) {
			m.write("sys/fs/cgroup/cpu.max", "max 100000\n")
			m.write("sys/fs/cgroup/cpu.stat", "usage_usec %.0f\n", 5e6+cores*0.25e6*passed)
		}, 25},
		"one that uses more than it may": {func(m *machine, passed float64) {
			m.write("sys/fs/cgroup/cpu.max", "50000 100000\n")
			m.write("sys/fs/cgroup/cpu.stat", "usage_usec %.0f\n", 1e6*passed)
		}, 100},
		"a container of version 1": {func(m *machine, passed float64) {
			m.write("sys/fs/cgroup/cpuacct/cpuacct.usage", "%.0f\n", 5e9+1e9*passed)
			m.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n")
			m.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
		}, 50},
		"one without a quota": {func(m *machine, passed float64) {
			m.write("sys/fs/cgroup/cpuacct/cpuacct.usage", "%.0f\n", 5e9+cores*0.1e9*passed)
			m.write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n")
			m.write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
		}, 10},
		"a machine of two cores": {func(m *machine, passed float64) {
			m.write("proc/stat", "cpu  %.0f 10 %.0f 90000 500 0 7 0 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 1 1 1 1 1 1 1 1 1 1\nintr 5\n", 1000+40*passed, 500+20*passed)
		}, 30},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine()
				p := newProcessor(m)
				c.write(m, 0)
				if _, known := p.used(); known {
					t.Error("known from one reading")
				}
				time.Sleep(5 * time.Second)
				c.write(m, 5)
				if used, known := p.used(); !known || used < c.want-0.5 || used > c.want+0.5 {
					t.Errorf("%v, %v; want %v", used, known, c.want)
				}
			})
		})
	}
}

func TestAProcessorOfWhichNothingCanBeReadIsLeftOut(t *testing.T) {
	stat := func(m *machine, ticks int) {
		m.write("proc/stat", "cpu %d 0 0 9 0 0 0 0 0 0\ncpu0 1\n", ticks)
	}
	for name, write := range map[string]func(m *machine, ticks int){
		"no files":       func(*machine, int) {},
		"no time":        func(m *machine, n int) { stat(m, n); delete(m.MapFS, "proc/uptime") },
		"another system": func(m *machine, _ int) { m.write("proc/stat", "something else\n") },
		"a wild number":  func(m *machine, _ int) { m.write("proc/stat", "cpu x 0 0 9 0 0 0 0 0 0\ncpu0 1\n") },
		"time that goes on without the process, which was suspended": func(m *machine, n int) {
			m.start = m.start.Add(-time.Duration(n) * time.Minute)
			stat(m, n)
		},
		"a counter that begins anew": func(m *machine, n int) { stat(m, 1000-n) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine()
				p := newProcessor(m)
				for n := range 3 {
					write(m, n)
					if used, known := p.used(); known {
						t.Errorf("%v", used)
					}
					time.Sleep(5 * time.Second)
				}
			})
		})
	}
}

// stamped returns the row that a gauge writes.
func stamped(g *gauge) Worker {
	w := alive("a", time.Second, 0)
	g.stamp(&w)
	return w
}

func TestARowTellsTheMeansOfTheLastHalfMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now, known := 10.0, true
		g := &gauge{ask: func() (float64, bool) { return now, known }}
		row := stamped(g)
		for beat := 1; beat <= 6; beat++ {
			if _, tells := row.cpu(); tells || row.Failing() {
				t.Fatalf("before half a minute is over: %+v", row)
			}
			time.Sleep(5 * time.Second)
			if beat == 3 {
				now = 20
			}
			row = stamped(g)
		}
		if used := row.Used["C"]; len(used) != 1 || used[0] < 14 || used[0] > 18 || row.Limits["C"][0] != 100 {
			t.Errorf("after half a minute: %+v", row)
		}
		for n := range 12 {
			now = float64(n)
			for range 6 {
				time.Sleep(5 * time.Second)
				row = stamped(g)
			}
		}
		if used := row.Used["C"]; len(used) != gaugeValues || used[9] < 10 || used[9] > 11 || used[0] > 2.1 {
			t.Errorf("ten values are kept: %v", used)
		}

		// What cannot be told is left out: a value of -1 would say that the worker takes no more.
		for _, wrong := range []func(){func() { known = false }, func() { known, now = true, -1 }} {
			wrong()
			for range 13 {
				time.Sleep(5 * time.Second)
				row = stamped(g)
			}
			if len(row.Used) != 0 || row.Failing() {
				t.Errorf("nothing is known any more: %+v", row)
			}
		}
	})
}

func TestTheLatestValuesOfAProcessorCountForMost(t *testing.T) {
	for name, c := range map[string]struct {
		row   Worker
		want  usage
		tells bool
	}{
		"nothing":                        {Worker{}, usage{limit: 100}, false},
		"one value":                      {Worker{Used: map[string][]float64{"C": {30}}}, usage{30, 100}, true},
		"a Java worker's":                {Worker{Used: map[string][]float64{"C": {-1, 20, 40, -1, 60}}, Limits: map[string][]float64{"C": {80}}}, usage{45, 80}, true},
		"beyond reason":                  {Worker{Used: map[string][]float64{"C": {1e300}}, Limits: map[string][]float64{"C": {0}}}, usage{100, 100}, true},
		"another metric":                 {Worker{Used: map[string][]float64{"M": {30}}}, usage{limit: 100}, false},
		"one that was never to be taken": {Worker{Used: map[string][]float64{"C": {-1, -1}}}, usage{limit: 100}, false},
	} {
		if u, tells := c.row.cpu(); u != c.want || tells != c.tells {
			t.Errorf("%s: %v, %v", name, u, tells)
		}
	}
}
