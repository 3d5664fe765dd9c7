package oracle

import "time"

// A Report is what the test says about the program under test.
type Report struct {
	Consumers []Consumer
	// Handled is what was handled, in the order in which it succeeded. Handing a position to a dead-letter sink is handling it.
	Handled []Handled
	// Put is what producers were told is stored.
	Put []Put
	// Contents says what is inside records that hold other than one user record with their own key and data, each of which has the
	// sub-sequence number 0. An empty list says that there is nothing to handle. A test of aggregates learns it by reading the streams
	// itself in the end, or from the results of its producer.
	Contents map[Place][]UserRecord
}

// A Consumer is an application, of however many workers, that has to handle every record.
type Consumer struct {
	Name    string
	Streams []string  // that it reads; nil is every stream
	Since   time.Time // it has to handle what arrived at this time or later; zero is everything
	Table   string    // of its leases; "" judges no leases
	// FailoverTime is how long a holder may trust its lease. With zero, changes of hands are not judged.
	FailoverTime time.Duration
}

// Handled is one position that was handled.
type Handled struct {
	Consumer string
	Worker   string // for judging leases; "" is nobody in particular
	Place
	SubSequence int64
	Data        Digest    // of the user record's data as the handler saw it; zero is not judged
	At          time.Time // when it succeeded; zero is before everything
}

// A Put is one user record that a producer was told is stored.
type Put struct {
	Place
	SubSequence int64
	Data        Digest // of the user record's data; zero is not judged
}

// A UserRecord is one record inside a stored one.
type UserRecord struct {
	SubSequence int64
	Key, Data   Digest
}

// reads reports whether the consumer has to handle a record.
func (c *Consumer) reads(r *Record) bool {
	if r.Arrival.Before(c.Since) {
		return false
	}
	return c.readsStream(r.Stream)
}

func (c *Consumer) readsStream(name string) bool {
	for _, s := range c.Streams {
		if s == name {
			return true
		}
	}
	return len(c.Streams) == 0
}
