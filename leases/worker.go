package leases

import (
	"math"
	"time"
)

// Worker is a worker's own row: that it lives, and how it fares. The Java library calls these rows worker metrics; its leader gives
// leases to nobody without one. A worker writes its row before it takes a lease, and deletes it when it has given all away.
type Worker struct {
	ID string
	// Updated is when the row was written, in whole seconds of the worker's own clock. Whether a worker lives is judged by whether
	// this changes, not by what it says.
	Updated time.Time
	// Every is how often the row is written; zero: the row does not say, and it is the Java library's half minute.
	Every time.Duration
	// MaxLeases is how many leases the worker holds at most; 0: any number, or the row does not say.
	MaxLeases int
	// Used has the last values of each metric in percent, the newest last; -1 stands for a value that could not be taken. "C" is the
	// processor. Empty maps mean that the worker measures nothing.
	Used map[string][]float64
	// Limits has, first in each list, how far each metric of Used may go.
	Limits map[string][]float64
}

// cpuMetric is the name of the processor among the metrics, as in the Java library.
const cpuMetric = "C"

// cpu returns what the row says of the processor. The last values count for most, each for half as much as the one after it, as in the
// Java library.
func (w Worker) cpu() (u usage, tells bool) {
	used := 0.0
	for _, v := range w.Used[cpuMetric] {
		switch {
		case !(v >= 0):
		case !tells:
			used, tells = v, true
		default:
			used = (used + v) / 2
		}
	}
	u = usage{used: int(math.Round(min(used, 100))), limit: 100}
	if limits := w.Limits[cpuMetric]; len(limits) > 0 && limits[0] > 0 {
		u.limit = int(min(limits[0], 100))
	}
	return u, tells
}

// Failing reports whether the newest value of a metric says that it could not be taken. Nobody gives leases to such a worker, and a
// worker that stops says so of itself.
func (w Worker) Failing() bool {
	for _, values := range w.Used {
		if len(values) > 0 && values[len(values)-1] < 0 {
			return true
		}
	}
	return false
}

// every returns how often the row is written.
func (w Worker) every() time.Duration {
	if w.Every <= 0 {
		return javaBeat
	}
	return w.Every
}

// silentAfter returns for how long the row may stand still while its worker lives: two periods, as the Java library has it, and a second
// for the row's whole seconds.
func (w Worker) silentAfter() time.Duration { return 2*w.every() + time.Second }

const (
	// javaBeat is how often workers of the Java library write their rows.
	javaBeat = 30 * time.Second
	// forgottenAfter is how old a dead worker's row is when it is deleted, as in the Java library.
	forgottenAfter = 24 * time.Hour
)

// alive returns the row of a worker that measures nothing: a Java leader then goes by the leases it has.
func alive(id string, every time.Duration, maxLeases int) Worker {
	return Worker{ID: id, Updated: time.Now(), Every: every, MaxLeases: maxLeases, Used: map[string][]float64{}, Limits: map[string][]float64{}}
}

// departing returns the row of a worker that stops. The metric that fails keeps a Java leader from giving its leases back to it, which
// empty maps would not.
func departing(id string, every time.Duration) Worker {
	w := alive(id, every, 0)
	w.Used[cpuMetric], w.Limits[cpuMetric] = []float64{-1}, []float64{100}
	return w
}

// Leader is the row by which a worker of the Java library leads: it alone balances, for as long as it changes the version every now and
// then.
type Leader struct {
	Worker  string
	Version string
	// Lasts is for how long the version may stay as it is while the leader lives.
	Lasts time.Duration
}
