package kinesistest

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesistest/internal/caller"
)

// CallerHeader is the header that names a caller. A client over a socket may set it too; the service does not know it.
const CallerHeader = caller.Header

// A Caller makes clients whose requests carry a name, so that faults and logs can tell them from others'. Tests of a fleet give
// each worker the clients of a Caller with the worker's ID.
type Caller struct {
	srv  *Server
	name string
}

// As returns the caller with the given name.
func (s *Server) As(name string) *Caller { return &Caller{s, name} }

// HTTPClient is [Server.HTTPClient] for the caller.
func (c *Caller) HTTPClient() *http.Client {
	return &http.Client{Transport: &namedTransport{c.name, &transport{c.srv}}}
}

// Kinesis is [Server.Kinesis] for the caller.
func (c *Caller) Kinesis() *kinesis.Client {
	return kinesis.New(c.srv.Kinesis().Options(), func(o *kinesis.Options) { o.HTTPClient = c.HTTPClient() })
}

// DynamoDB is [Server.DynamoDB] for the caller.
func (c *Caller) DynamoDB() *dynamodb.Client {
	return dynamodb.New(c.srv.DynamoDB().Options(), func(o *dynamodb.Options) { o.HTTPClient = c.HTTPClient() })
}

// CloudWatch is [Server.CloudWatch] for the caller.
func (c *Caller) CloudWatch() *cloudwatch.Client {
	return cloudwatch.New(c.srv.CloudWatch().Options(), func(o *cloudwatch.Options) { o.HTTPClient = c.HTTPClient() })
}

// namedTransport adds the caller's name to every request.
type namedTransport struct {
	name string
	next *transport
}

// RoundTrip changes the headers of a copy: a transport leaves its request as it is.
func (t *namedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	named := *r
	named.Header = r.Header.Clone()
	named.Header.Set(CallerHeader, t.name)
	return t.next.RoundTrip(&named)
}
