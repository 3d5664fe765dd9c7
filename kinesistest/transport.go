package kinesistest

import (
	"net/http"
)

// transport carries requests to the Server by a call instead of a connection.
//
// The handler runs in a goroutine of its own, which the Server waits for, because a reply may be returned to the client
// while the handler is still writing its body.
type transport struct{ srv *Server }

// RoundTrip is called by the HTTP client in the goroutine that makes the request. It returns when the reply is complete,
// when the handler flushes the first part of it, or when the request's context ends.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := t.srv.begin(); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	x := newExchange(r, t.srv.done)
	t.srv.work.Go(func() {
		defer t.srv.work.Done() // ends what begin began
		x.serve(t.srv)
	})
	select {
	case <-x.ready:
		return x.response()
	case <-r.Context().Done():
		x.cancel()
		return nil, r.Context().Err()
	}
}
