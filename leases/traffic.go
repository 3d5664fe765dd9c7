package leases

import (
	"math"
	"time"
)

// traffic is how much data a holder reads of its shard. It is written with the renewals, since leases are dealt out by it, by a Java worker
// that leads too: where no lease has it, what each worker carries is 0/0 to that leader, and it moves nothing, however uneven the shares.
type traffic struct {
	counted bool
	bytes   int64     // since the rate was worked out
	since   time.Time // when that was
	known   bool      // the rate has been worked out
	periods int       // that the rate is made of, up to rateMemory
	rate    float64   // KiB/s
}

// rateMemory is of how many periods a rate is the mean, more or less: each new one counts for so much less than all before it. The Java
// workers have two; but here what is read by fits and starts, or not at all for some minutes, must not set leases in motion.
const rateMemory = 8

// trafficOf returns the traffic of a lease that begins to be held with what its last holder has said.
func trafficOf(row Lease, start time.Time) traffic {
	t := traffic{since: start}
	if row.ThroughputKBps > 0 {
		t.rate, t.periods = row.ThroughputKBps, rateMemory
	}
	return t
}

// work returns the rate, and false while there is none. It works out a new one when a period has passed.
func (t *traffic) work(now time.Time, period time.Duration) (rate float64, known bool) {
	if passed := now.Sub(t.since); t.counted && passed >= period {
		last := float64(t.bytes) / 1024 / passed.Seconds()
		t.periods = min(t.periods+1, rateMemory)
		t.rate += (last - t.rate) / float64(t.periods)
		t.bytes, t.since, t.known = 0, now, true
	}
	return math.Round(t.rate*1e6) / 1e6, t.known
}

// Count says that so many more bytes of the shard's data were read. What they come to in a second is written down with the lease's
// renewals, for others to weigh it by; a Work that never calls Count leaves there what there is.
func (h *Held) Count(bytes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.traffic.counted = true
	h.traffic.bytes += int64(bytes)
}

// weighed adds to a write what is known of the shard's traffic. Checkpoints that come in quick succession repeat the same rate.
func (h *Held) weighed(w Write) Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	if rate, known := h.traffic.work(time.Now(), h.c.pace.renew/2); known {
		w.change.ThroughputKBps = Exactly(rate)
	}
	return w
}
