package kinesistest

import (
	"errors"
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
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	hs := &http.Server{Handler: s, Protocols: &protocols, ReadHeaderTimeout: time.Minute}
	if err := s.serve(hs, ln); err != nil {
		return "", errors.Join(err, ln.Close())
	}
	return "http://" + ln.Addr().String(), nil
}

// serve starts the goroutine of a listener.
func (s *Server) serve(hs *http.Server, ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.listeners = append(s.listeners, hs)
	s.work.Go(func() {
		// It returns an error when it is closed, and nobody to tell it to if the listener breaks: clients will see.
		_ = hs.Serve(ln)
	})
	return nil
}
