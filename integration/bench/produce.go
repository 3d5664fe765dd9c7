package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/producer"
)

// produce puts the task's records with our producer, from one goroutine, and waits for their results.
func produce(ctx context.Context, t *task) (result, error) {
	c, err := client(place{t.URL, t.CertFile})
	if err != nil {
		return result{}, err
	}
	p, err := producer.New(producer.Config{Kinesis: c, Stream: t.Stream, DisableAggregation: !t.Aggregated})
	if err != nil {
		return result{}, err
	}
	data := filler(t.Size)
	if _, err := p.PutSync(ctx, producer.Record{PartitionKey: keyOf(0), Data: data}); err != nil { // connects, and lists the shards
		return result{}, err
	}
	m, err := startMeter(t.Profile)
	if err != nil {
		return result{}, err
	}
	var failed atomic.Int64
	done := func(r producer.Result) {
		if r.Err != nil {
			failed.Add(1)
		}
	}
	for i := range t.Records {
		if err := p.Put(ctx, producer.Record{PartitionKey: keyOf(i), Data: data}, done); err != nil {
			return result{}, err
		}
	}
	err = p.Flush(ctx)
	r := m.stop(t.Records, int64(t.Records)*int64(t.Size))
	if failed.Load() > 0 {
		err = errors.Join(err, errors.New("bench: records failed"))
	}
	return r, errors.Join(err, p.Close(ctx))
}

// produceSDK puts them in a loop over the SDK's PutRecords, each request as full as the service allows.
func produceSDK(ctx context.Context, t *task) (result, error) {
	c, err := client(place{t.URL, t.CertFile})
	if err != nil {
		return result{}, err
	}
	perCall := min(500, (4<<20)/(t.Size+20))
	in := &kinesis.PutRecordsInput{StreamName: &t.Stream}
	data := filler(t.Size)
	put := func() error {
		out, err := c.PutRecords(ctx, in)
		if err == nil && aws.ToInt32(out.FailedRecordCount) > 0 {
			err = errors.New("bench: records failed")
		}
		in.Records = in.Records[:0]
		return err
	}
	in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(keyOf(0))})
	if err := put(); err != nil { // connects
		return result{}, err
	}
	m, err := startMeter(t.Profile)
	if err != nil {
		return result{}, err
	}
	for i := range t.Records {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: data, PartitionKey: aws.String(keyOf(i))})
		if len(in.Records) < perCall && i < t.Records-1 {
			continue
		}
		if err := put(); err != nil {
			return result{}, err
		}
	}
	return m.stop(t.Records, int64(t.Records)*int64(t.Size)), nil
}
