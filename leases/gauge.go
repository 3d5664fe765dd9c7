package leases

import (
	"math"
	"slices"
	"time"
)

// gauge keeps what a worker's row says of the processor: as Java workers do it, the means of the last ten half minutes. A half minute of
// which nothing is known empties the list. The row must not say so with a -1, as theirs do: that would mean that the worker takes no more.
type gauge struct {
	ask    func() (percent float64, known bool)
	since  time.Time // when this half minute began; zero: not yet
	sum    float64   // of what was told in it
	told   int
	values []float64
}

// gaugeValues is how many half minutes a row tells of.
const gaugeValues = 10

// stamp asks once more, and writes what is known into the worker's row.
func (g *gauge) stamp(w *Worker) {
	if percent, known := g.ask(); known && percent >= 0 {
		g.sum, g.told = g.sum+min(percent, 100), g.told+1
	}
	switch now := time.Now(); {
	case g.since.IsZero():
		g.since = now
	case now.Sub(g.since) >= javaBeat:
		g.turn()
		g.since = now
	}
	if len(g.values) > 0 {
		w.Used[cpuMetric], w.Limits[cpuMetric] = slices.Clone(g.values), []float64{100}
	}
}

// turn ends a half minute.
func (g *gauge) turn() {
	if g.told == 0 {
		g.values = nil
		return
	}
	g.values = append(g.values, math.Round(g.sum/float64(g.told)*1e6)/1e6)
	g.values = g.values[max(0, len(g.values)-gaugeValues):]
	g.sum, g.told = 0, 0
}
