package fault

import (
	"errors"
	"net/http"
)

// held is a response writer that asks before anything leaves. gate returns when it may, and breaks the connection if it
// never will.
type held struct {
	http.ResponseWriter
	gate func()
}

// WriteHeader asks too: a reply whose status is known has begun.
func (h *held) WriteHeader(status int) {
	h.gate()
	h.ResponseWriter.WriteHeader(status)
}

func (h *held) Write(b []byte) (int, error) {
	h.gate()
	return h.ResponseWriter.Write(b)
}

// Flush sends what was written so far, if what is below can.
func (h *held) Flush() {
	h.gate()
	flush(h.ResponseWriter)
}

// A bodyTaker takes over a whole reply without a copy.
type bodyTaker interface {
	TakeBody(body []byte, free func())
}

// TakeBody is Write for a whole reply; free is called when body is no longer needed.
func (h *held) TakeBody(body []byte, free func()) {
	h.gate()
	if t, ok := h.ResponseWriter.(bodyTaker); ok {
		t.TakeBody(body, free)
		return
	}
	// An error means that the client has gone: nobody is left to be told.
	_, _ = h.ResponseWriter.Write(body)
	free()
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}

var errDropped = errors.New("kinesistest: the reply is dropped")

// dropped is a response writer whose client has gone. A service that sends a stream sees it and stops.
type dropped struct{ header http.Header }

func (d *dropped) Header() http.Header {
	if d.header == nil {
		d.header = make(http.Header)
	}
	return d.header
}

func (d *dropped) WriteHeader(int)           {}
func (d *dropped) Write([]byte) (int, error) { return 0, errDropped }
func (d *dropped) FlushError() error         { return errDropped }
