package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesistest"
)

// memory is a transport that keeps a server's replies, and gives the same ones to the same requests when the server is gone. A reader of
// a filled stream asks the same things each time.
type memory struct {
	next http.RoundTripper // nil: only what is known is answered

	mu    sync.Mutex // guards known
	known map[string]*canned
}

func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	request := r.Header.Get("X-Amz-Target") + r.Header.Get("Content-Type") + string(body)
	m.mu.Lock()
	reply := m.known[request]
	m.mu.Unlock()
	if reply != nil {
		again := r.Clone(r.Context())
		again.Body = nil
		return reply.RoundTrip(again)
	}
	if m.next == nil { // the tip of a shard, or a call that the first reader did not come to
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := m.next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	whole, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	reply = &canned{status: resp.StatusCode, contentType: resp.Header.Get("Content-Type"), body: whole}
	m.mu.Lock()
	m.known[request] = reply
	m.mu.Unlock()
	again.Body = nil
	return reply.RoundTrip(again)
}

// deliver measures a reader without a connection: what it does between the bytes of the replies and its handler.
func deliver(read func(context.Context, *kinesis.Client, *task) error) func(context.Context, *task) (result, error) {
	return func(ctx context.Context, t *task) (result, error) {
		srv := kinesistest.New()
		filler := srv.Kinesis()
		if err := errors.Join(createStream(ctx, filler, t), fill(ctx, filler, t)); err != nil {
			return result{}, err
		}
		remembered := &memory{next: srv.HTTPClient().Transport, known: make(map[string]*canned)}
		c := kinesis.New(filler.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: remembered} })
		if err := read(ctx, c, t); err != nil {
			return result{}, err
		}
		remembered.next = nil
		if err := srv.Close(); err != nil {
			return result{}, err
		}
		m, err := startMeter(t.Profile)
		if err != nil {
			return result{}, err
		}
		reads := 0
		for start := cpuTime(); cpuTime()-start < t.Long || reads == 0; reads++ {
			if err := read(ctx, c, t); err != nil {
				return result{}, err
			}
		}
		return m.stop(reads*t.Records, int64(reads)*int64(t.Records)*int64(t.Size)), nil
	}
}
