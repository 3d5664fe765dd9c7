package fault

import (
	"context"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// An Effect is what happens to a request that a rule picks. The zero Effect does nothing.
type Effect struct {
	run       func(*call)
	perRecord bool // it picks records of a put by their shards itself
}

func (e Effect) do(c *call) {
	if e.run == nil {
		c.serve(c.w)
		return
	}
	e.run(c)
}

// A call is one request in the hands of an effect.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	next   http.Handler
	rewind func() io.ReadCloser // a fresh body of the request
	by     *Injection
	closed <-chan struct{} // of the server
}

// serve lets the service do what was asked, with the reply to w. It may be called again.
func (c *call) serve(w http.ResponseWriter) {
	r := c.r.Clone(c.r.Context())
	r.Body = c.rewind()
	c.next.ServeHTTP(w, r)
}

// breakOff breaks the client's connection. It does not return.
func breakOff() { panic(http.ErrAbortHandler) }

// wait lets time pass, for ever if d is negative. It breaks the connection off if the client or the server goes first.
func (c *call) wait(d time.Duration) {
	if d == 0 {
		return
	}
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
	case <-c.r.Context().Done():
		breakOff()
	case <-c.closed:
		breakOff()
	}
}

// Fail answers with an error and does nothing.
func Fail(status int, code, message string) Effect {
	return Effect{run: func(c *call) { writeError(c, status, code, message) }}
}

// Delay waits before the service acts, and again before its reply, or the first part of it, leaves.
func Delay(before, after time.Duration) Effect {
	return Effect{run: func(c *call) {
		c.wait(before)
		waited := false
		w := &held{ResponseWriter: c.w, gate: func() {
			if !waited {
				waited = true
				c.wait(after)
			}
		}}
		c.serve(w)
	}}
}

// Hang does nothing and never answers.
func Hang() Effect { return Effect{run: func(c *call) { c.wait(-1) }} }

// Reset breaks the connection before the service acts.
func Reset() Effect { return Effect{run: func(*call) { breakOff() }} }

// DropReply breaks the connection after the service has acted.
func DropReply() Effect {
	return Effect{run: func(c *call) {
		c.serve(&dropped{})
		breakOff()
	}}
}

// Again lets the service act, and once more when time has passed after the reply, or after the connection was broken.
func Again(after time.Duration) Effect {
	return Effect{run: func(c *call) {
		late := *c
		late.r = c.r.WithContext(context.WithoutCancel(c.r.Context()))
		defer c.by.set.spawn(func() {
			defer unlessAborted()
			late.wait(after)
			late.serve(&dropped{})
		})
		c.serve(c.w)
	}}
}

// unlessAborted ends a panic that is meant for the connection of a client, in a goroutine where there is none.
func unlessAborted() {
	p := recover()
	if err, ok := p.(error); p != nil && !(ok && errors.Is(err, http.ErrAbortHandler)) {
		panic(p)
	}
}

// GoAway lets the service act and asks net/http to give the connection up, for which it has a means in either version of HTTP.
func GoAway() Effect {
	return Effect{run: func(c *call) {
		c.w.Header().Set("Connection", "close")
		c.serve(c.w)
	}}
}

// Twice lets the service act twice and delivers the second reply.
func Twice() Effect {
	return Effect{run: func(c *call) {
		c.serve(&dropped{})
		c.serve(c.w)
	}}
}

// writeError sends an error in the format that the client speaks.
func writeError(c *call, status int, code, message string) {
	h := c.w.Header()
	contentType := c.r.Header.Get("Content-Type")
	var body []byte
	switch {
	case isCBOR(c.r):
		body = errorDocument(wire.NewCBOREncoder(nil), code, message)
		if c.r.Header.Get("Smithy-Protocol") != "" {
			h.Set("Smithy-Protocol", c.r.Header.Get("Smithy-Protocol"))
		}
	case strings.Contains(contentType, "form-urlencoded"):
		contentType = "text/xml"
		body = []byte("<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
			"</Message></Error></ErrorResponse>")
	default:
		body = errorDocument(wire.NewJSONEncoder(nil), code, message)
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", "injected")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // a client that has gone needs no answer
}

func isCBOR(r *http.Request) bool { return strings.Contains(r.Header.Get("Content-Type"), "cbor") }

func errorDocument(enc wire.Encoder, code, message string) []byte {
	enc.Map()
	enc.Name("__type")
	enc.Text(code)
	enc.Name("message")
	enc.Text(message)
	enc.EndMap()
	return enc.Bytes()
}
