package tos3

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-go/penstock/kinesislambda"
)

// API is the part of the S3 client that a destination calls; *s3.Client satisfies it.
type API interface {
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// Config says where messages go.
type Config struct {
	// S3 is the client. Required.
	S3 API
	// Bucket is the bucket's name. Required.
	Bucket string
	// Prefix is put before the objects' names. Default: none, as with the service.
	Prefix string
}

// Destination is an S3 bucket.
type Destination struct{ cfg Config }

var _ kinesislambda.Destination = (*Destination)(nil)

// New makes a destination. Its error joins every fault of the configuration.
func New(cfg Config) (*Destination, error) {
	var faults []error
	if cfg.S3 == nil {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tos3.Config.S3", Reason: "is missing; set a *s3.Client"})
	}
	if cfg.Bucket == "" {
		faults = append(faults, &kinesislambda.ConfigError{Field: "tos3.Config.Bucket", Reason: "is missing; set the bucket's name"})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Destination{cfg: cfg}, nil
}

// Deliver puts an object.
func (d *Destination) Deliver(ctx context.Context, r *kinesislambda.InvocationRecord) error {
	message, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("tos3: %w", err)
	}
	_, err = d.cfg.S3.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &d.cfg.Bucket, Key: aws.String(d.cfg.Prefix + name(r)), Body: bytes.NewReader(message), ContentType: aws.String("application/json"),
	})
	if err != nil {
		return fmt.Errorf("tos3: %w", err)
	}
	return nil
}

// name returns the object's name.
func name(r *kinesislambda.InvocationRecord) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	at := r.Timestamp.UTC()
	return fmt.Sprintf("aws/lambda/%s/%s/%s-%x-%x-%x-%x-%x", r.MappingUUID, r.KinesisBatchInfo.ShardID,
		at.Format("2006/01/02/2006-01-02T15.04.05"), id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
