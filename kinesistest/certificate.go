package kinesistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// How long before and after the present a certificate is valid: clocks differ, and a server may run for long.
const (
	validBefore = 24 * time.Hour
	validAfter  = 10 * 365 * 24 * time.Hour
)

// An authority signs the certificates of one Server's listeners. Its key exists in memory alone.
type authority struct {
	once sync.Once
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	err  error
}

// CertPool returns what Go clients of [Server.ListenTLS] trust:
//
//	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.CertPool()}, ForceAttemptHTTP2: true}
//
// Nobody but this Server has the key to it.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	if cert, err := s.authority.get(); err == nil {
		pool.AddCert(cert)
	}
	return pool
}

// CertificatePEM returns the certificate that clients of [Server.ListenTLS] trust, in PEM, for example to be written to the file that
// AWS_CA_BUNDLE names.
func (s *Server) CertificatePEM() []byte {
	cert, err := s.authority.get()
	if err != nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

// get returns the authority's own certificate. Every call after the first returns the same.
func (a *authority) get() (*x509.Certificate, error) {
	a.once.Do(func() {
		template := certificateFor("kinesistest authority")
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage = x509.KeyUsageCertSign
		if a.key, a.err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); a.err != nil {
			return
		}
		var der []byte
		if der, a.err = x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key); a.err == nil {
			a.cert, a.err = x509.ParseCertificate(der)
		}
	})
	return a.cert, a.err
}

// issue makes a certificate for a listener on addr.
func (s *Server) issue(addr string) (tls.Certificate, error) {
	ca, err := s.authority.get()
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := certificateFor("kinesistest")
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else if host != "" {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, s.authority.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func certificateFor(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // fails only with the reader, which does not
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-validBefore), NotAfter: now.Add(validAfter),
	}
}
