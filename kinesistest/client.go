package kinesistest

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// inProcessURL is where clients without a socket send their requests. No such host exists: the transport does not look.
const inProcessURL = "http://kinesistest.invalid"

// Static credentials: nothing is looked up, and nothing checks them.
const (
	accessKeyID     = "kinesistest"
	secretAccessKey = "kinesistest"
)

// HTTPClient returns a client whose requests go straight to the Server, whatever their host. It serves for making AWS
// clients with other options than those of [Server.Kinesis], [Server.DynamoDB] and [Server.CloudWatch]; they need a BaseEndpoint, for example
// "http://localhost".
func (s *Server) HTTPClient() *http.Client {
	return &http.Client{Transport: &transport{s}}
}

// Kinesis returns a new client of the Server's streams that uses no socket.
func (s *Server) Kinesis() *kinesis.Client {
	url := inProcessURL
	return kinesis.New(kinesis.Options{
		Region:       s.cfg.region,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
		HTTPClient:   s.HTTPClient(),
	})
}

// DynamoDB returns a new client of the Server's tables that uses no socket.
func (s *Server) DynamoDB() *dynamodb.Client {
	url := inProcessURL
	return dynamodb.New(dynamodb.Options{
		Region:       s.cfg.region,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
		HTTPClient:   s.HTTPClient(),
	})
}

// CloudWatch returns a new client that uses no socket. What it puts can be read by [Server.Metrics]; other operations are unknown
// to the Server.
func (s *Server) CloudWatch() *cloudwatch.Client {
	url := inProcessURL
	return cloudwatch.New(cloudwatch.Options{
		Region:       s.cfg.region,
		BaseEndpoint: &url,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKeyID, secretAccessKey, ""),
		HTTPClient:   s.HTTPClient(),
	})
}
