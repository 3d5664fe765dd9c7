package destinationtest

import (
	"io"
	"net/http"
	"strings"
)

// A Wire answers every request with one reply, and keeps what was asked last.
type Wire struct {
	Status      int
	ContentType string
	Reply       string

	Path   string
	Body   string
	Header http.Header
}

// RoundTrip answers.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w.Path, w.Body, w.Header = req.URL.Path, string(body), req.Header
	return &http.Response{
		StatusCode: w.Status, Header: http.Header{"Content-Type": {w.ContentType}}, Body: io.NopCloser(strings.NewReader(w.Reply)),
		ContentLength: int64(len(w.Reply)), Request: req,
	}, nil
}

// Client returns a client that has no other way out than the wire.
func (w *Wire) Client() *http.Client { return &http.Client{Transport: w} }
