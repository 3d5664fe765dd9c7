package tosns

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/penstock-go/penstock/kinesislambda"
)

// API is the part of the SNS client that a destination calls; *sns.Client satisfies it.
type API interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Config says where messages go.
type Config struct {
	// SNS is the client. Required.
	SNS API
	// TopicARN is the topic's ARN. Required. One that ends in ".fifo" gets the messages of each shard in order.
	TopicARN string
}

// Destination is an SNS topic.
type Destination struct{ cfg Config }

var _ kinesislambda.Destination = (*Destination)(nil)

// New makes a destination. Its error joins every fault of the configuration.
func New(cfg Config) (*Destination, error) {
	var faults []error
	if cfg.SNS == nil {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tosns.Config.SNS", Reason: "is missing; set a *sns.Client"})
	}
	if cfg.TopicARN == "" {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tosns.Config.TopicARN", Reason: "is missing; set the topic's ARN"})
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
		return fmt.Errorf("tosns: %w", err)
	}
	in := &sns.PublishInput{TopicArn: &d.cfg.TopicARN, Message: aws.String(string(message))}
	if strings.HasSuffix(d.cfg.TopicARN, ".fifo") {
		// A message that is sent again, since its sender did not hear of its arrival, is about the same records.
		info := &r.KinesisBatchInfo
		in.MessageGroupId = &info.ShardID
		in.MessageDeduplicationId = aws.String(info.ShardID + "." + info.StartSequenceNumber)
	}
	if _, err := d.cfg.SNS.Publish(ctx, in); err != nil {
		return fmt.Errorf("tosns: %w", err)
	}
	return nil
}
