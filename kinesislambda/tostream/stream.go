package tostream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/kinesislambda"
)

// API is the part of the Kinesis client that a destination calls; *kinesis.Client satisfies it.
type API interface {
	PutRecord(context.Context, *kinesis.PutRecordInput, ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error)
}

// Config says where messages go.
type Config struct {
	// Kinesis is the client. Required.
	Kinesis API
	// Stream is the stream's name or ARN. Required.
	Stream string
	// Payload puts the whole event into the message: a record of the stream must have room for it. Default: the message says where
	// the records are, and no more.
	Payload bool
}

// Destination is a Kinesis stream.
type Destination struct{ cfg Config }

var _ kinesislambda.Destination = (*Destination)(nil)

// New makes a destination. Its error joins every fault of the configuration.
func New(cfg Config) (*Destination, error) {
	var faults []error
	if cfg.Kinesis == nil {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tostream.Config.Kinesis", Reason: "is missing; set a *kinesis.Client"})
	}
	if cfg.Stream == "" {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tostream.Config.Stream", Reason: "is missing; set a name or an ARN"})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Destination{cfg: cfg}, nil
}

// Deliver puts the message.
func (d *Destination) Deliver(ctx context.Context, r *kinesislambda.InvocationRecord) error {
	message, err := r.Message()
	if d.cfg.Payload {
		message, err = json.Marshal(r)
	}
	if err != nil {
		return fmt.Errorf("tostream: %w", err)
	}
	in := &kinesis.PutRecordInput{Data: message, PartitionKey: &r.KinesisBatchInfo.ShardID, StreamName: &d.cfg.Stream}
	if strings.HasPrefix(d.cfg.Stream, "arn:") {
		in.StreamARN, in.StreamName = in.StreamName, nil
	}
	if _, err := d.cfg.Kinesis.PutRecord(ctx, in); err != nil {
		return fmt.Errorf("tostream: %w", err)
	}
	return nil
}
