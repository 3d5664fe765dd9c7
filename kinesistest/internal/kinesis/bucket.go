package kinesis

// A bucket holds units that time fills and traffic empties. It is full when it is used for the first time.
type bucket struct {
	units  float64
	at     int64 // milliseconds: of the last filling
	filled bool
}

// fill adds what time brought at the given rate per second, up to the capacity. A wall clock that steps back brings nothing.
func (b *bucket) fill(now int64, rate, capacity float64) {
	if !b.filled {
		b.units, b.filled = capacity, true
	} else if passed := now - b.at; passed > 0 {
		b.units = min(capacity, b.units+rate*float64(passed)/1000)
	}
	b.at = now
}

// has reports whether something of the given size may be taken. What is larger than the capacity may be when the bucket is
// full, and leaves a debt.
func (b *bucket) has(size, capacity float64) bool { return b.units >= min(size, capacity) }
