package kinesistest_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// httpVersions are the clients that a listener serves.
var httpVersions = map[string]func(*http.Protocols){
	"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
	"HTTP/2.0": func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
}

// overTCP returns an HTTP client of one version. It checks that replies have that version.
//
// It also hides a race of the SDK's: the SDK closes a request's body as soon as the head of the reply is there, and WriteTo of a
// closed body fails. If that happens before net/http has looked for the end of a body whose bytes are all sent already, net/http
// takes the request for broken and drops the connection, reply and all. Only a server as near as this one is quick enough. A
// body without WriteTo is read instead, and reads as ended when it is closed.
func overTCP(t *testing.T, version string) *http.Client {
	var p http.Protocols
	httpVersions[version](&p)
	transport := &http.Transport{Protocols: &p}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: versionChecker{t, transport, version}}
}

type versionChecker struct {
	t       *testing.T
	next    http.RoundTripper
	version string
}

func (v versionChecker) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.WithContext(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	resp, err := v.next.RoundTrip(r)
	if err == nil && resp.Proto != v.version {
		v.t.Errorf("reply by %s, want %s", resp.Proto, v.version)
	}
	return resp, err
}

func TestListenerServesAllServicesOverBothVersionsOfHTTP(t *testing.T) {
	for version := range httpVersions {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, 1)
			url, err := r.srv.Listen("127.0.0.1:0")
			must(t, err)
			creds := credentials.NewStaticCredentialsProvider("a", "b", "")
			hc := overTCP(t, version)
			r.Client = kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: creds, HTTPClient: hc})

			r.fill(1000)
			if got := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records; len(got) != 1000 {
				t.Fatalf("%d records", len(got))
			}
			es, err := r.subscribe(r.register("reader"), shardID(0), fromLatest)
			must(t, err)
			event(es) // the empty one at the start
			r.put("k", "new")
			if ev, ok := event(es); !slices.Equal(data(ev.Records), []string{"new"}) {
				t.Fatalf("event %v, %v, %v", data(ev.Records), ok, es.Err())
			}
			must(t, r.split(0, middle))
			if ev, _ := event(es); len(ev.ChildShards) != 2 {
				t.Fatalf("last event %+v", ev)
			}
			if _, ok := event(es); ok || es.Err() != nil {
				t.Fatalf("the stream went on or failed: %v", es.Err())
			}
			must(t, es.Close())

			db := dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: creds, HTTPClient: hc})
			_, err = db.ListTables(t.Context(), &dynamodb.ListTablesInput{})
			must(t, err)
		})
	}
}

func TestCloseEndsSubscriptionsOfListeners(t *testing.T) {
	for version := range httpVersions {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, 1)
			url, err := r.srv.Listen("127.0.0.1:0")
			must(t, err)
			r.Client = kinesis.New(kinesis.Options{
				Region: "us-east-1", BaseEndpoint: &url, HTTPClient: overTCP(t, version),
				Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
			})
			es, err := r.subscribe(r.register("reader"), shardID(0), fromLatest)
			must(t, err)
			event(es)
			start := time.Now()
			must(t, r.srv.Close())
			for range es.Events() {
			}
			if d := time.Since(start); d > 2*time.Second {
				t.Errorf("it took %s", d)
			}
			_ = es.Close()
		})
	}
}

func TestClosedServerDoesNotListen(t *testing.T) {
	srv := kinesistest.New()
	must(t, srv.Close())
	for _, listen := range []func(string) (string, error){srv.Listen, srv.ListenTLS} {
		if _, err := listen("127.0.0.1:0"); !errors.Is(err, kinesistest.ErrClosed) {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := srv.HTTPClient().Get("http://localhost/"); !errors.Is(err, kinesistest.ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestListenReportsABadAddress(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	for _, listen := range []func(string) (string, error){srv.Listen, srv.ListenTLS} {
		if _, err := listen("nonsense"); err == nil {
			t.Fatal("it listens")
		}
	}
}

func TestResponseBodyCannotBeReadAfterClose(t *testing.T) {
	r := newRig(t, 1)
	resp, err := r.srv.HTTPClient().Do(rawRequest(t.Context(), "ListStreams", "application/x-amz-json-1.1", []byte("{}")))
	must(t, err)
	must(t, resp.Body.Close())
	must(t, resp.Body.Close())
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Fatal("a closed body was read")
	}
}

// overTLS returns an HTTP client that trusts srv and speaks one version.
func overTLS(t *testing.T, srv *kinesistest.Server, version string) *http.Client {
	p := new(http.Protocols)
	p.SetHTTP1(version == "HTTP/1.1")
	p.SetHTTP2(version == "HTTP/2.0")
	transport := &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{RootCAs: srv.CertPool(), MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: versionChecker{t, transport, version}}
}

func TestListenerWithTLSServesWhatTheClientNegotiates(t *testing.T) {
	for version := range httpVersions {
		t.Run(version, func(t *testing.T) {
			r := newRig(t, 1)
			url, err := r.srv.ListenTLS("127.0.0.1:0")
			must(t, err)
			r.Client = kinesis.New(r.Options(), func(o *kinesis.Options) { o.BaseEndpoint, o.HTTPClient = &url, overTLS(t, r.srv, version) })
			r.fill(1000)
			if got := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records; len(got) != 1000 {
				t.Fatalf("%d records", len(got))
			}
			es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
			must(t, err)
			if ev, ok := event(es); !ok || len(ev.Records) != 1000 {
				t.Fatalf("%d records in the first event, %v", len(ev.Records), es.Err())
			}
			must(t, es.Close())
		})
	}
}

func TestThePEMCertificateIsWhatClientsMustTrust(t *testing.T) {
	r := newRig(t, 1)
	port, err := r.srv.ListenTLS("localhost:0")
	must(t, err)
	_, number, err := net.SplitHostPort(strings.TrimPrefix(port, "https://"))
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(r.srv.CertificatePEM()) {
		t.Fatal("no certificate")
	}
	for trusted, want := range map[*x509.CertPool]bool{pool: true, x509.NewCertPool(): false} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
		defer transport.CloseIdleConnections()
		resp, err := (&http.Client{Transport: transport}).Get("https://localhost:" + number)
		if (err == nil) != want {
			t.Errorf("trusted: %v, got %v", want, err)
		}
		if err == nil {
			must(t, resp.Body.Close())
		}
	}
}
