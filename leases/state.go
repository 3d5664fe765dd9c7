package leases

// state is how far a holding has come. It only ever goes forward; the picture is in doc.go.
type state uint8

const (
	working  state = iota // Work reads the shard
	draining              // Work has been told to finish: a handoff was asked for, or the worker stops
	stopped               // Work did not finish in time and was cancelled; the lease is still held and renewed
	ended                 // SHARD_END is written: the row is nobody's
	released              // the row was given away after Work returned
	lost                  // the row is somebody else's, or trust has ended
)

// String returns the state in one word.
func (s state) String() string {
	return [...]string{"working", "draining", "stopped", "ended", "released", "lost"}[s]
}

// over reports whether the lease is no longer held: nothing may be written any more.
func (s state) over() bool { return s >= ended }

// leadsTo reports whether a holding may go from s to next.
func (s state) leadsTo(next state) bool { return next > s && !s.over() }
