package kinesistest

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Listen serves the Server on a TCP address, for example "127.0.0.1:0", and returns the URL to use as endpoint of every
// service. It speaks HTTP/1.1 and, to clients that start with it, HTTP/2 without TLS. The listener is closed by
// [Server.Close]. Listen may be called more than once.
//
// Nothing authenticates clients: listen on loopback addresses only.
//
// Over HTTP/1.1 the AWS SDK sometimes loses a reply of a server as near as this one, and sends the request again: it closes the
// request's body when the reply is there, which net/http may take for a failure to send it. Clients of HTTP/2, and those without
// a socket, do not.
func (s *Server) Listen(addr string) (url string, err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	hs := newHTTPServer(s)
	hs.Protocols.SetUnencryptedHTTP2(true)
	if err := s.serve(hs, func() error { return hs.Serve(ln) }); err != nil {
		return "", errors.Join(err, ln.Close())
	}
	return "http://" + ln.Addr().String(), nil
}

// ListenTLS is [Server.Listen] with TLS: it speaks HTTP/1.1 or HTTP/2, as the client negotiates. The Server makes itself a
// certificate for the address, for localhost and for the loopback addresses. Clients trust it if they are told to: with
// [Server.CertPool] in Go, with [Server.CertificatePEM] elsewhere.
func (s *Server) ListenTLS(addr string) (url string, err error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	cert, err := s.issue(addr)
	if err != nil {
		return "", errors.Join(err, ln.Close())
	}
	hs := newHTTPServer(s)
	hs.Protocols.SetHTTP2(true)
	hs.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if err := s.serve(hs, func() error { return hs.ServeTLS(ln, "", "") }); err != nil {
		return "", errors.Join(err, ln.Close())
	}
	return "https://" + ln.Addr().String(), nil
}

func newHTTPServer(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	// What goes wrong with a connection, its client sees: nothing is written to the test's output.
	return &http.Server{Handler: h, Protocols: protocols, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
}

// serve starts the goroutine of a listener, in which run returns when hs is closed.
func (s *Server) serve(hs *http.Server, run func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.listeners = append(s.listeners, hs)
	s.work.Go(func() {
		// It returns an error when it is closed, and nobody to tell it to if the listener breaks: clients will see.
		_ = run()
	})
	return nil
}
