package leases

import (
	"math"
	"time"
)

// traffic is how much data a holder reads of its shard. It is written with the renewals for the sake of the Java workers: the one that leads
// deals leases out by it. Where no lease has it, what each worker carries is 0/0 to that leader, and it moves nothing, however uneven the
// shares.
type traffic struct {
	counted bool
	bytes   int64     // since the rate was worked out
	since   time.Time // when that was
	known   bool      // it has been
	rate    float64   // KiB/s, smoothed as the Java workers do: half of it is the last period's
}

// work returns the rate, and false while there is none. It works out a new one when a period has passed.
func (t *traffic) work(now time.Time, period time.Duration) (rate float64, known bool) {
	if passed := now.Sub(t.since); t.counted && passed >= period {
		last := float64(t.bytes) / 1024 / passed.Seconds()
		t.rate, t.known, t.bytes, t.since = (t.rate+last)/2, true, 0, now
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
