package checkpoint

// Tracker keeps the positions of records that were handed out and answers up to where all of them are done.
//
//	delivered:  p1  p2  p3  p4  p5
//	done:       y1  y2      y4       Position() == p2
//
// The window between the first record that is not done and the last one handed out is bounded; [Tracker.Deliver] refuses what
// would exceed it. The ring of deliveries grows with the window in use and does not shrink. A Tracker is not safe for concurrent
// use.
type Tracker struct {
	low   Position
	last  Position   // of the newest delivery
	ring  []delivery // a power of two long; ticket t stands at t & (len-1)
	first Ticket     // the oldest delivery that is not done
	next  Ticket     // the ticket of the next delivery
	limit int
}

// Ticket names one delivery. Tickets of one tracker count up from 0.
type Ticket uint64

type delivery struct {
	at   Position
	done bool
}

// initialRing is the first length of the ring: most shards have few records in the air.
const initialRing = 64

// NewTracker returns a tracker that stands at from and holds at most window deliveries; window must be positive.
func NewTracker(from Position, window int) *Tracker {
	if window <= 0 {
		panic("checkpoint: the window of a Tracker must be positive")
	}
	return &Tracker{low: from, last: from, limit: window}
}

// Deliver notes that the record which ends at p was handed out. It notes nothing and returns [ErrWindow] while the window is full,
// and [ErrOrder] where p is not behind everything delivered so far: a position that went back would undo a checkpoint.
func (t *Tracker) Deliver(p Position) (Ticket, error) {
	if t.Pending() == t.limit {
		return 0, ErrWindow
	}
	if p.Compare(t.last) <= 0 {
		return 0, ErrOrder
	}
	if t.Pending() == len(t.ring) {
		t.grow()
	}
	ticket := t.next
	*t.slot(ticket) = delivery{at: p}
	t.next++
	t.last = p
	return ticket, nil
}

// Ack notes that a delivery is done. A ticket that is done already is ignored, so acknowledging twice is harmless; one that was
// never given out is ignored too.
func (t *Tracker) Ack(ticket Ticket) {
	if ticket < t.first || ticket >= t.next {
		return
	}
	t.slot(ticket).done = true
	for t.first < t.next && t.slot(t.first).done {
		t.low = t.slot(t.first).at
		*t.slot(t.first) = delivery{} // let go of the sequence number
		t.first++
	}
}

// Position returns the last position up to which every delivery is done.
func (t *Tracker) Position() Position { return t.low }

// Pending returns the number of deliveries in the window: from the first that is not done to the last handed out.
func (t *Tracker) Pending() int { return int(t.next - t.first) }

func (t *Tracker) slot(ticket Ticket) *delivery { return &t.ring[ticket&Ticket(len(t.ring)-1)] }

// grow doubles the ring. Every ticket gets a new place, since places depend on the ring's length.
func (t *Tracker) grow() {
	old := *t
	t.ring = make([]delivery, max(initialRing, 2*len(old.ring)))
	for ticket := old.first; ticket < old.next; ticket++ {
		*t.slot(ticket) = *old.slot(ticket)
	}
}
