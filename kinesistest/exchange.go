package kinesistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
)

// An exchange is one request and its reply on the way between a client and the Server's handler. It is the handler's
// response writer, and it makes the client's response:
//
//	buffering --Flush--> streaming --handler returns--> done
//	     \_____________________handler returns___________^
//
// A handler that panics with [http.ErrAbortHandler] breaks the connection, as it does with net/http: a reply of which nothing
// was written is an error of the round trip, any other one ends early.
//
// A reply that is not flushed is buffered as a whole: one write, one read, no goroutine in between. A flushed one is a
// stream: each write waits until the client has read the one before it.
//
// The fields are the handler's until ready is closed, and from then on the client's, but for those of the stream.
type exchange struct {
	req    *http.Request
	header http.Header
	status int
	broken bool          // the handler broke the connection
	ready  chan struct{} // closed when response may be called
	body   []byte        // of a buffered reply
	free   func()        // called when a body that was taken over is no longer needed

	ctx       context.Context // of the handler: ends with the request's, and when the client closes the body
	cancel    context.CancelFunc
	srvDone   <-chan struct{} // closed when the Server is closed
	streaming bool
	parts     chan []byte // of a stream; closed at its end
}

func newExchange(r *http.Request, srvDone <-chan struct{}) *exchange {
	ctx, cancel := context.WithCancel(r.Context())
	return &exchange{
		req:     r,
		header:  make(http.Header),
		ready:   make(chan struct{}),
		ctx:     ctx,
		cancel:  cancel,
		srvDone: srvDone,
	}
}

// serve runs the handler and completes the reply.
func (x *exchange) serve(h http.Handler) {
	in := x.req.Clone(x.ctx)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }() // a transport closes the body of its request
	x.broken = aborts(func() { h.ServeHTTP(x, in) })
	if x.streaming {
		close(x.parts)
		return
	}
	if !x.broken {
		x.WriteHeader(http.StatusOK)
	}
	close(x.ready)
}

// aborts runs a handler and reports whether it asked for its connection to be broken.
func aborts(handler func()) (aborted bool) {
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			aborted = true
		} else if p != nil {
			panic(p)
		}
	}()
	handler()
	return false
}

// errReset is what a client sees of a connection that breaks before the reply has begun.
var errReset error = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// end is what the client reads after the last byte of the body.
func (x *exchange) end() error {
	if x.broken {
		return io.ErrUnexpectedEOF
	}
	return io.EOF
}

// Header, WriteHeader, Write and Flush make the exchange a response writer. They are called by the handler.
func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	if !x.streaming {
		x.body = append(x.body, b...)
		return len(b), nil
	}
	// The caller may use b again as soon as Write returns, which is before the client has read it.
	select {
	case x.parts <- bytes.Clone(b):
		return len(b), nil
	case <-x.ctx.Done():
		return 0, x.ctx.Err()
	case <-x.srvDone:
		return 0, ErrClosed
	}
}

// Flush turns the reply into a stream, whose first part is what was written so far.
func (x *exchange) Flush() {
	if x.streaming {
		return
	}
	x.WriteHeader(http.StatusOK)
	x.streaming = true
	x.parts = make(chan []byte)
	close(x.ready)
}

// TakeBody is Write for a whole reply without a copy: b is the body, and free is called when it is no longer needed.
func (x *exchange) TakeBody(b []byte, free func()) {
	x.body, x.free = b, free
}

// response returns the client's side of the exchange.
func (x *exchange) response() (*http.Response, error) {
	if x.status == 0 {
		x.cancel()
		return nil, errReset
	}
	length := int64(-1)
	var body io.ReadCloser = &streamBody{x: x, rest: x.body}
	if !x.streaming {
		length = int64(len(x.body))
		body = &bufferedBody{rest: x.body, free: x.free, cancel: x.cancel, end: x.end()}
	}
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", x.status, http.StatusText(x.status)),
		StatusCode:    x.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        x.header,
		Body:          body,
		ContentLength: length,
		Request:       x.req,
	}, nil
}

var errBodyClosed = errors.New("kinesistest: read of a closed response body")

// bufferedBody is the body of a buffered reply.
type bufferedBody struct {
	mu     sync.Mutex // guards the fields: Close may come while a Read copies, and what it frees is used again
	rest   []byte
	free   func()
	cancel context.CancelFunc
	end    error // after rest
	closed bool
}

func (b *bufferedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return 0, errBodyClosed
	case len(b.rest) == 0:
		return 0, b.end
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *bufferedBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed, b.rest = true, nil
	b.cancel()
	if b.free != nil {
		b.free()
	}
	return nil
}

// streamBody is the body of a flushed reply. One goroutine reads; any may close.
type streamBody struct {
	x    *exchange
	rest []byte
}

func (b *streamBody) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		select {
		case part, ok := <-b.x.parts:
			if !ok {
				return 0, b.x.end()
			}
			b.rest = part
		case <-b.x.ctx.Done():
			return 0, b.x.ctx.Err()
		}
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// Close ends the handler's context: the client has gone.
func (b *streamBody) Close() error {
	b.x.cancel()
	return nil
}
