package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	rpcPrefix     = "/service/GraniteServiceVersion20100801/operation/"
	rpcProtocol   = "rpc-v2-cbor"
	rpcType       = "application/cbor"
	jsonType      = "application/x-amz-json-1.0"
	formType      = "application/x-www-form-urlencoded"
	shapePrefix   = "com.amazonaws.cloudwatch#"
	putMetricData = "PutMetricData"
)

// Target is how the X-Amz-Target header of a request to this service begins.
const Target = "GraniteServiceVersion20100801."

// Addressed reports whether a request is meant for this service: a server of several services asks before it passes one on.
// The body is not looked at, so that a form is taken to be CloudWatch's whatever its action.
func Addressed(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/service/GraniteServiceVersion20100801/") ||
		strings.HasPrefix(r.Header.Get("X-Amz-Target"), Target) ||
		strings.HasPrefix(r.Header.Get("Content-Type"), formType)
}

// protocol is how an answer is written.
type protocol interface {
	// accepted writes the answer to a call that was good.
	accepted(h http.Header, id string) (body []byte)
	// refused writes the answer to one that was not.
	refused(h http.Header, id string, e *Error) (body []byte)
}

// ServeHTTP answers one request. No lock is held while the request is read or the answer written.
func (db *DB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := spoken(r)
	err := db.serve(w, r, p)
	status, id, h := http.StatusOK, requestID(), w.Header()
	var body []byte
	if err == nil {
		body = p.accepted(h, id)
	} else {
		var refused *Error
		if !errors.As(err, &refused) {
			refused = malformed()
		}
		status, body = refused.Status, p.refused(h, id, refused)
	}
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.Set("X-Amzn-Requestid", id)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A client that has gone away needs no answer.
	_, _ = w.Write(body)
}

// spoken returns the protocol that a request is written in.
func spoken(r *http.Request) protocol {
	switch {
	case strings.HasPrefix(r.URL.Path, rpcPrefix) || r.Header.Get("Smithy-Protocol") == rpcProtocol:
		return rpc{}
	case r.Header.Get("X-Amz-Target") != "":
		return document{}
	default:
		return query{}
	}
}

// serve reads one request and does it.
func (db *DB) serve(w http.ResponseWriter, r *http.Request, p protocol) error {
	body, err := unpack(w, r)
	if err != nil {
		return err
	}
	var in *request
	switch p.(type) {
	case rpc:
		in, err = decodeRPC(r, body)
	case document:
		in, err = decodeJSON(r, body)
	default:
		in, err = decodeForm(r, body)
	}
	if err != nil {
		return err
	}
	return db.put(in)
}

// unpack returns the body without its compression, unless it is too large with or without it.
func unpack(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	packed, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, tooLarge()
	}
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return packed, nil
	case "gzip":
		return gunzip(packed)
	default:
		return nil, invalidValue("Content-Encoding is not supported: use gzip")
	}
}

func gunzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, malformed()
	}
	body, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	switch {
	case err != nil:
		return nil, malformed()
	case len(body) > maxBody:
		return nil, tooLarge()
	default:
		return body, nil
	}
}

// requestID returns a random UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
