package audit

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/caller"
)

// A Call is one request. Its fields are explained where users meet them, at kinesistest.Call.
type Call struct {
	Caller    string
	Action    string
	Resources []string
	Host      string
	KeyID     string
	At        time.Time
	Status    int
}

// A Log keeps the newest calls. Its methods may be called by any goroutine; those of a nil Log do nothing.
type Log struct {
	account Account
	limit   int

	mu    sync.Mutex // guards calls
	calls []*Call
}

// NewLog returns an empty log of as many calls as limit says.
func NewLog(a Account, limit int) *Log { return &Log{account: a, limit: limit} }

// Calls returns a copy of the log, in the order of the requests' arrival.
func (l *Log) Calls() []Call {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	newest := l.calls[max(0, len(l.calls)-l.limit):]
	calls := make([]Call, len(newest))
	for i, c := range newest {
		calls[i] = *c
	}
	return calls
}

// maxBody is more than any service reads of a request.
const maxBody = 64 << 20

// Serve serves a request by next and writes it down: when it arrives, and again what was answered.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if l == nil {
		next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r = r.WithContext(r.Context()) // a copy: whoever made the request closes the body that he gave it
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), &broken{err}))
	c := &Call{Caller: caller.Of(r.Context()), Host: cmp.Or(r.Host, r.URL.Host), KeyID: keyID(r), At: time.Now()}
	c.Action, c.Resources = l.account.read(r, body)
	l.add(c)
	answer := &answer{ResponseWriter: w, told: func(status int) { l.answered(c, status) }}
	next.ServeHTTP(answer, r)
}

// keyID returns the access key that a request was signed with, "" if it was not: Credential=KEY/DATE/REGION/SERVICE/aws4_request.
func keyID(r *http.Request) string {
	_, scope, _ := bytes.Cut([]byte(r.Header.Get("Authorization")), []byte("Credential="))
	id, _, _ := bytes.Cut(scope, []byte("/"))
	return string(id)
}

func (l *Log) add(c *Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls = append(l.calls, c); len(l.calls) >= 2*l.limit {
		l.calls = slices.Clone(l.calls[len(l.calls)-l.limit:])
	}
}

func (l *Log) answered(c *Call, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c.Status = status
}

// broken is a reader that fails as the client's body did, or is just at its end.
type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

// answer is a response writer that tells the status.
type answer struct {
	http.ResponseWriter
	told func(status int)
	sent bool
}

func (a *answer) WriteHeader(status int) {
	if !a.sent {
		a.sent = true
		a.told(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if !a.sent {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap and TakeBody give what is behind its other ways to write.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Flush sends what is written so far.
func (a *answer) Flush() {
	if !a.sent {
		a.WriteHeader(http.StatusOK)
	}
	_ = http.NewResponseController(a.ResponseWriter).Flush() // a writer that cannot has nothing to flush
}
