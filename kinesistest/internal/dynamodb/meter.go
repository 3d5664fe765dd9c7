package dynamodb

import (
	"sync"
	"time"
)

// A Throttling says what tables refuse because it is too much. The zero value refuses nothing.
type Throttling struct {
	// Provisioned holds tables and indexes of provisioned capacity to it.
	Provisioned bool
	// OnDemandReads and OnDemandWrites are the units a second that every table and index without provisioned capacity takes;
	// zero for any number.
	OnDemandReads, OnDemandWrites float64
	// OnDemandCode is the error that on-demand tables refuse with, ThrottlingException if it is empty. The service also has
	// RequestLimitExceeded, for the limits of a whole account.
	OnDemandCode string
}

// burst is how much unused capacity is kept for later, in seconds of the rate: the service keeps five minutes of it, says
// its documentation. A bucket begins with the capacity of one second.
const burst = 300

// flow is the direction of traffic.
type flow int

const (
	reading flow = iota
	writing
)

// meter counts what one table or index takes and keeps what it may still take.
type meter struct {
	mu      sync.Mutex // guards the rest; the innermost lock, so that readers of a table can charge what they read
	taken   [2]float64
	buckets [2]bucket
}

// bucket holds units. It is filled by time and emptied by traffic. An operation passes while there is anything in it, and may
// then take more than there is, for what a read takes is known only after it: the next ones wait until the debt is paid.
type bucket struct {
	units float64
	at    time.Time // of the last filling; zero if it never was
}

func (b *bucket) fill(now time.Time, rate float64) {
	if b.at.IsZero() {
		b.units = rate
	} else {
		b.units = min(rate*burst, b.units+rate*now.Sub(b.at).Seconds())
	}
	b.at = now
}

// admits reports whether an operation may pass at the given rate; a rate of zero means no limit.
func (m *meter) admits(f flow, rate float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if rate == 0 {
		m.buckets[f] = bucket{}
		return true
	}
	m.buckets[f].fill(time.Now(), rate)
	return m.buckets[f].units > 0
}

// take charges units.
func (m *meter) take(f flow, units float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken[f] += units
	m.buckets[f].units -= units
}

func (m *meter) total(f flow) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.taken[f]
}

// Throttle changes what tables refuse from now on.
func (db *DB) Throttle(limits Throttling) { db.limits.Store(&limits) }

// Consumed returns the read and write units that a table, given by its name or ARN, and its indexes have consumed since the
// table was created; zero if there is no such table. What the consumption of an operation is, the service's documentation says;
// a condition that fails costs a write too.
func (db *DB) Consumed(nameOrARN string) (reads, writes float64) {
	t := db.lookup(nameOrARN)
	if t == nil {
		return 0, 0
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	reads, writes = t.meter.total(reading), t.meter.total(writing)
	for _, x := range t.indexes {
		reads += x.meter.total(reading)
		writes += x.meter.total(writing)
	}
	return reads, writes
}

// charge notes what an operation took. The caller holds mu.
func (t *table) charge(f flow, c capacity) {
	t.meter.take(f, c.table)
	for _, x := range t.indexes {
		if units := c.indexes[x.name]; units > 0 {
			x.meter.take(f, units)
		}
	}
}

// admit refuses an operation on the table, or on its index x if that is not nil, that exceeds the capacity. The caller holds
// mu.
func (t *table) admit(f flow, x *index) error {
	if t.limits == nil {
		return nil
	}
	limits := t.limits.Load()
	m, provisioned := &t.meter, t.throughput
	if x != nil {
		m, provisioned = &x.meter, x.throughput
	}
	rate := limits.rate(f, t.onDemand, provisioned)
	if m.admits(f, rate) {
		return nil
	}
	return limits.refuse(t.onDemand)
}

func (l *Throttling) rate(f flow, onDemand bool, provisioned throughput) float64 {
	switch {
	case onDemand && f == reading:
		return l.OnDemandReads
	case onDemand:
		return l.OnDemandWrites
	case !l.Provisioned:
		return 0
	case f == reading:
		return float64(provisioned.ReadCapacityUnits)
	default:
		return float64(provisioned.WriteCapacityUnits)
	}
}

func (l *Throttling) refuse(onDemand bool) error {
	switch {
	case !onDemand:
		return refusal("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was "+
			"exceeded. Consider increasing your provisioning level with the UpdateTable API.")
	case l.OnDemandCode == "RequestLimitExceeded":
		return refusal(l.OnDemandCode, "Throughput exceeds the current throughput limit for your account. Please contact AWS Support "+
			"to request a limit increase.")
	default:
		return refusal("ThrottlingException", "Throughput exceeds the current capacity of your table or index. DynamoDB is "+
			"automatically scaling your table or index so please try again shortly.")
	}
}
