package producer

import (
	"context"
	"sync"
	"time"
)

// lifetime is the context of what a producer does by itself: requests and listings, which belong to no call of a user. It ends when
// the producer does.
type lifetime struct {
	once  sync.Once
	ended chan struct{}
}

func newLifetime() *lifetime { return &lifetime{ended: make(chan struct{})} }

func (l *lifetime) end() { l.once.Do(func() { close(l.ended) }) }

// Deadline says that none is known.
func (l *lifetime) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done returns the channel that is closed at the end.
func (l *lifetime) Done() <-chan struct{} { return l.ended }

// Err returns [context.Canceled] after the end.
func (l *lifetime) Err() error {
	select {
	case <-l.ended:
		return context.Canceled
	default:
		return nil
	}
}

// Value knows nothing.
func (l *lifetime) Value(any) any { return nil }
