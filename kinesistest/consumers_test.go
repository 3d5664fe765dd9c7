package kinesistest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var ordersARN = aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/orders")

func TestConsumersAreRegisteredDescribedAndDeregistered(t *testing.T) {
	r := newRig(t, 1)
	arn := r.register("reader")
	if !strings.HasPrefix(*arn, *ordersARN+"/consumer/reader:") {
		t.Fatalf("ARN %s", *arn)
	}
	_, err := r.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: ordersARN, ConsumerName: aws.String("reader")})
	wantCode(t, err, "ResourceInUseException")
	for _, in := range []kinesis.DescribeStreamConsumerInput{{ConsumerARN: arn}, {StreamARN: ordersARN, ConsumerName: aws.String("reader")}} {
		out, err := r.DescribeStreamConsumer(t.Context(), &in)
		must(t, err)
		if d := out.ConsumerDescription; *d.ConsumerARN != *arn || d.ConsumerStatus != types.ConsumerStatusActive || *d.StreamARN != *ordersARN {
			t.Errorf("consumer %+v", d)
		}
	}
	sum, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
	must(t, err)
	if n := *sum.StreamDescriptionSummary.ConsumerCount; n != 1 {
		t.Errorf("%d consumers", n)
	}
	_, err = r.DeregisterStreamConsumer(t.Context(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: arn})
	must(t, err)
	_, err = r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
	wantCode(t, err, "ResourceNotFoundException")
	if again := r.register("reader"); *again == *arn {
		t.Errorf("the second registration has the ARN of the first, %s", *arn)
	}
	_, err = r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
	wantCode(t, err, "ResourceNotFoundException")
	_, err = r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerName: aws.String("reader")})
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: ordersARN})
	wantCode(t, err, "ValidationException")
}

func TestStreamHasAtMostTwentyConsumersListedByPage(t *testing.T) {
	r := newRig(t, 1)
	for i := range 20 {
		r.register(fmt.Sprintf("reader-%02d", i))
	}
	_, err := r.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: ordersARN, ConsumerName: aws.String("x")})
	wantCode(t, err, "LimitExceededException")
	n := 0
	p := kinesis.NewListStreamConsumersPaginator(r.Client, &kinesis.ListStreamConsumersInput{StreamARN: ordersARN, MaxResults: aws.Int32(7)})
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		must(t, err)
		for _, c := range page.Consumers {
			if want := fmt.Sprintf("reader-%02d", n); *c.ConsumerName != want {
				t.Fatalf("consumer %s, want %s", *c.ConsumerName, want)
			}
			n++
		}
	}
	if n != 20 {
		t.Fatalf("%d consumers", n)
	}
}
