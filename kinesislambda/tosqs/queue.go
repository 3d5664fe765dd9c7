package tosqs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/penstock-go/penstock/kinesislambda"
)

// API is the part of the SQS client that a destination calls; *sqs.Client satisfies it.
type API interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Config says where messages go.
type Config struct {
	// SQS is the client. Required.
	SQS API
	// QueueURL is the queue's URL. Required. One that ends in ".fifo" gets the messages of each shard in order.
	QueueURL string
}

// Destination is an SQS queue.
type Destination struct{ cfg Config }

var _ kinesislambda.Destination = (*Destination)(nil)

// New makes a destination. Its error joins every fault of the configuration.
func New(cfg Config) (*Destination, error) {
	var faults []error
	if cfg.SQS == nil {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tosqs.Config.SQS", Reason: "is missing; set a *sqs.Client"})
	}
	if cfg.QueueURL == "" {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tosqs.Config.QueueURL", Reason: "is missing; set the queue's URL"})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Destination{cfg: cfg}, nil
}

// Deliver sends the message.
func (d *Destination) Deliver(ctx context.Context, r *kinesislambda.InvocationRecord) error {
	message, err := r.Message()
	if err != nil {
		return fmt.Errorf("tosqs: %w", err)
	}
	in := &sqs.SendMessageInput{QueueUrl: &d.cfg.QueueURL, MessageBody: aws.String(string(message))}
	if strings.HasSuffix(d.cfg.QueueURL, ".fifo") {
		// A message that is sent again, since its sender did not hear of its arrival, is about the same records.
		info := &r.KinesisBatchInfo
		in.MessageGroupId = &info.ShardID
		in.MessageDeduplicationId = aws.String(info.ShardID + "." + info.StartSequenceNumber)
	}
	if _, err := d.cfg.SQS.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("tosqs: %w", err)
	}
	return nil
}
