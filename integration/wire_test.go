package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/internal/wire"
)

// peer is a server that others wrote, with a stream of one shard.
type peer struct {
	*testing.T
	client *kinesis.Client
	stream *string
}

func newPeer(t *testing.T, server string) *peer {
	t.Helper()
	p := &peer{T: t, stream: aws.String("wire"), client: kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(servers.Start(t, server)), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})}
	_, err := p.client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: p.stream, ShardCount: aws.Int32(1)})
	p.must(err)
	p.must(kinesis.NewStreamExistsWaiter(p.client).Wait(t.Context(), &kinesis.DescribeStreamInput{StreamName: p.stream}, time.Minute))
	return p
}

func (p *peer) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

// as returns the choice of a protocol that must not be left.
func (p *peer) as(protocol wire.Protocol) *wire.Choice {
	return wire.NewChoice(protocol, func(cause error) { p.Errorf("fell back: %v", cause) })
}

func (p *peer) put(c *wire.Choice, data ...[]byte) {
	p.Helper()
	in := &kinesis.PutRecordsInput{StreamName: p.stream}
	for i, d := range data {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: d, PartitionKey: aws.String(fmt.Sprint("ключ-", i)), ExplicitHashKey: aws.String("17")})
	}
	out, err := wire.Call(c, func(protocol func(*kinesis.Options)) (*kinesis.PutRecordsOutput, error) {
		return p.client.PutRecords(p.Context(), in, protocol)
	})
	p.must(err)
	if len(out.Records) != len(data) || aws.ToString(out.Records[0].ShardId) == "" || aws.ToString(out.Records[0].SequenceNumber) == "" {
		p.Errorf("reply %+v", out)
	}
}

func (p *peer) iterator(ctx context.Context, c *wire.Choice, in *kinesis.GetShardIteratorInput) (*string, error) {
	in.StreamName, in.ShardId = p.stream, aws.String("shardId-000000000000")
	out, err := wire.Call(c, func(protocol func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
		return p.client.GetShardIterator(ctx, in, protocol)
	})
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

func (p *peer) read(c *wire.Choice, in *kinesis.GetShardIteratorInput) (records []types.Record) {
	p.Helper()
	it, err := p.iterator(p.Context(), c, in)
	p.must(err)
	for {
		out, err := wire.Call(c, func(protocol func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
			return p.client.GetRecords(p.Context(), &kinesis.GetRecordsInput{ShardIterator: it}, protocol)
		})
		p.must(err)
		records = append(records, out.Records...)
		if it = out.NextShardIterator; len(out.Records) == 0 {
			return records
		}
	}
}

// The servers' CBOR was written by others, and against the AWS SDK for Java.
func TestOtherServersUnderstandOurCBORAndWeTheirs(t *testing.T) {
	for _, server := range []string{"kinesalite", "kinesis-local"} {
		t.Run(server, func(t *testing.T) {
			p := newPeer(t, server)
			c := p.as(wire.CBOR)
			before := time.Now().Add(-time.Second)
			p.put(c, []byte{0, 255, 'x'}, bytes.Repeat([]byte("large"), 2000))
			_, err := p.iterator(t.Context(), c, &kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, StartingSequenceNumber: aws.String("1x")})
			var refused smithy.APIError
			if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidArgumentException" && refused.ErrorCode() != "ValidationException" {
				t.Errorf("a wrong sequence number: %v", err)
			}
			if server == "kinesalite" {
				return // it understands the request, but stores a byte string as an array of numbers: programs must speak JSON with it
			}
			got := p.read(c, &kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
			if len(got) != 2 || !bytes.Equal(got[0].Data, []byte{0, 255, 'x'}) || len(got[1].Data) != 10_000 || aws.ToString(got[1].PartitionKey) != "ключ-1" {
				t.Fatalf("records %v", got)
			}
			if at := got[0].ApproximateArrivalTimestamp; at == nil || at.Before(before) || at.After(time.Now().Add(time.Second)) {
				t.Errorf("arrived at %v", at)
			}
			after := kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, StartingSequenceNumber: got[0].SequenceNumber}
			if rest := p.read(c, &after); len(rest) != 1 {
				t.Errorf("%d records behind the first", len(rest))
			}
			if got := p.read(c, &kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &before}); len(got) != 2 {
				t.Errorf("%d records since a second before the first", len(got))
			}
			p.put(p.as(wire.JSON), []byte{0, 255, 'x'}, bytes.Repeat([]byte("large"), 2000))
			horizon := kinesis.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
			same := cmp.Options{cmpopts.IgnoreUnexported(types.Record{}), cmpopts.EquateApproxTime(time.Millisecond)} // JSON has floating seconds
			if diff := cmp.Diff(p.read(p.as(wire.JSON), &horizon), p.read(c, &horizon), same); diff != "" {
				t.Errorf("-JSON +CBOR\n%s", diff)
			}
		})
	}
}
