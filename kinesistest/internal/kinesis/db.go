package kinesis

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Options configures a DB. All of them are required, but a zero Transition, an empty Observer and no Limits.
type Options struct {
	AccountID  string
	Region     string
	Transition time.Duration // how long a stream or a consumer stays in CREATING, UPDATING or DELETING
	Observer   Observer
	Limits     Limits
}

// A DB is the state of the service for one account in one region. It is an http.Handler.
type DB struct {
	opts      Options
	arnPrefix string // of every stream's ARN
	limits    atomic.Pointer[Limits]
	calls     callMeter // of the account

	commitment commitment // of the account

	keysMu sync.Mutex                        // guards changes of keys; readers take no lock
	keys   atomic.Pointer[map[string]string] // what is the matter with keys of KMS: error codes

	stop    chan struct{} // closed by Close: ends subscriptions and pending transitions
	pending sync.WaitGroup

	mu      sync.RWMutex       // guards the two below; taken before a stream's and a shard's lock
	streams map[string]*stream // by name
	closed  bool               // no new transition may start
}

// New returns an empty service.
func New(opts Options) *DB {
	db := &DB{
		opts:      opts,
		arnPrefix: "arn:aws:kinesis:" + opts.Region + ":" + opts.AccountID + ":stream/",
		stop:      make(chan struct{}),
		streams:   map[string]*stream{},
	}
	db.SetLimits(opts.Limits)
	db.keys.Store(&map[string]string{})
	return db
}

// Close ends open subscriptions and pending transitions, and waits for the latter. Subscriptions end in their request's
// own goroutine, which the server that called ServeHTTP waits for. Close may be called more than once.
func (db *DB) Close() {
	db.mu.Lock()
	if !db.closed {
		db.closed = true
		close(db.stop)
	}
	db.mu.Unlock()
	db.pending.Wait()
}

// after runs fn when the transition time has passed, or at once if it is zero, unless the DB is closed before. The caller
// holds no lock.
func (db *DB) after(fn func()) {
	if db.opts.Transition <= 0 {
		fn()
		return
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return
	}
	db.pending.Go(func() {
		t := time.NewTimer(db.opts.Transition)
		defer t.Stop()
		select {
		case <-t.C:
			fn()
		case <-db.stop:
		}
	})
}

// stream returns the stream that ref means, in whatever state it is.
func (db *DB) stream(ref streamRef) (*stream, error) {
	name, err := db.resolve(ref)
	if err != nil {
		return nil, err
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	st := db.streams[name]
	if st == nil {
		return nil, db.noStream(name)
	}
	return st, nil
}

func (db *DB) noStream(name string) error {
	return notFound("stream %s under account %s not found", name, db.opts.AccountID)
}

// readyStream returns the stream that ref means if it can be written and read, that is, if it is ACTIVE or UPDATING. One
// that is being created or deleted does not exist for the data plane.
func (db *DB) readyStream(ref streamRef) (*stream, error) {
	st, err := db.stream(ref)
	if err != nil {
		return nil, err
	}
	if !st.ready() {
		return nil, db.noStream(st.name)
	}
	return st, nil
}

// newStreamID returns the identity of a new stream: one that a deleted stream of the same name did not have.
func newStreamID() uint64 { return rand.Uint64() }

// millis is the present time.
func millis() int64 { return time.Now().UnixMilli() }
