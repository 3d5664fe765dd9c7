package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// place is where a run happens: two clients, and the names of what this run created there.
type place struct {
	kinesis  *kinesis.Client
	dynamodb *dynamodb.Client
	emulator *kinesistest.Server // nil where both services are somebody else's
	stream   string
	table    string
	fanOut   bool
	json     bool // not CBOR: kinesalite, for one, does not give data back as it took it
}

// openPlace connects and creates the stream. The lease table is created by the consumers.
func openPlace(ctx context.Context, s settings) (*place, error) {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return nil, err
	}
	name := "penstock-quickstart-" + hex.EncodeToString(suffix)
	p := &place{stream: name, table: name, fanOut: s.fanOut}
	if err := p.connect(ctx, s); err != nil {
		return nil, err
	}
	err := p.reachTables(ctx)
	if err == nil {
		err = p.createStream(ctx, s.shards)
	}
	if err != nil {
		return nil, errors.Join(err, p.closeEmulator())
	}
	return p, nil
}

// reachTables finds out whether there is a DynamoDB to keep the lease table in, before anything is created.
func (p *place) reachTables(ctx context.Context) error {
	_, err := p.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &p.table},
		func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	var absent *dynamodbtypes.ResourceNotFoundException
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("cannot use DynamoDB for table %s: %w", p.table, err)
	}
	return nil
}

func (p *place) connect(ctx context.Context, s settings) error {
	if s.aws {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return fmt.Errorf("AWS configuration: %w", err)
		}
		p.kinesis, p.dynamodb = kinesis.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
		return nil
	}
	if s.kinesis == "" || s.dynamodb == "" {
		p.emulator = kinesistest.New()
		p.kinesis, p.dynamodb = p.emulator.Kinesis(), p.emulator.DynamoDB()
	}
	if s.kinesis != "" {
		if err := checkURL(s.kinesis); err != nil {
			return fmt.Errorf("-kinesis: %w", err)
		}
		p.kinesis = kinesis.New(kinesis.Options{Region: "us-east-1", BaseEndpoint: &s.kinesis, Credentials: nobody})
		p.json = true
	}
	if s.dynamodb != "" {
		if err := checkURL(s.dynamodb); err != nil {
			return fmt.Errorf("-dynamodb: %w", err)
		}
		p.dynamodb = dynamodb.New(dynamodb.Options{Region: "us-east-1", BaseEndpoint: &s.dynamodb, Credentials: nobody})
	}
	return nil
}

// nobody signs requests to servers that do not look at signatures, so that no real credentials ever reach them.
var nobody = credentials.NewStaticCredentialsProvider("penstock", "quickstart", "")

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("want a URL such as http://127.0.0.1:4567")
	}
	return nil
}

func (p *place) createStream(ctx context.Context, shards int) error {
	_, err := p.kinesis.CreateStream(ctx, &kinesis.CreateStreamInput{
		StreamName: &p.stream, ShardCount: aws.Int32(int32(shards)),
	}, func(o *kinesis.Options) { o.RetryMaxAttempts = 1 })
	if err != nil {
		return fmt.Errorf("cannot create stream %s: %w", p.stream, err)
	}
	return p.untilActive(ctx)
}

// statePolls is how often a stream's or table's state is looked at, and stateTime for how long at most.
const (
	statePolls = 50 * time.Millisecond
	stateTime  = 2 * time.Minute
)

// untilActive waits until the stream is ACTIVE.
func (p *place) untilActive(ctx context.Context) error {
	return poll(ctx, "stream "+p.stream+" to become ACTIVE", func() (bool, error) {
		out, err := p.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &p.stream})
		if err != nil {
			return false, err
		}
		return out.StreamDescriptionSummary.StreamStatus == types.StreamStatusActive, nil
	})
}

// poll asks until the answer is yes.
func poll(ctx context.Context, what string, ask func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, stateTime)
	defer cancel()
	ticker := time.NewTicker(statePolls)
	defer ticker.Stop()
	for {
		if yes, err := ask(); yes || err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		}
	}
}

// close deletes what the run created, also where the run was interrupted, and nothing else.
func (p *place) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	in := &kinesis.DeleteStreamInput{StreamName: &p.stream}
	if p.fanOut {
		in.EnforceConsumerDeletion = aws.Bool(true)
	}
	_, err := p.kinesis.DeleteStream(ctx, in)
	if err != nil {
		err = fmt.Errorf("delete stream %s by hand: %w", p.stream, err)
	}
	return errors.Join(err, p.deleteTable(ctx), p.closeEmulator())
}

func (p *place) deleteTable(ctx context.Context) error {
	_, err := p.dynamodb.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &p.table})
	var absent *dynamodbtypes.ResourceNotFoundException // no consumer came so far as to create it
	if err != nil && !errors.As(err, &absent) {
		return fmt.Errorf("delete table %s by hand: %w", p.table, err)
	}
	return nil
}

func (p *place) closeEmulator() error {
	if p.emulator == nil {
		return nil
	}
	return p.emulator.Close()
}

// askFirst says what a run on a real account creates and costs, and wants a word of agreement.
func askFirst(s settings, files []string, stdin io.Reader, stdout io.Writer) error {
	fmt.Fprintf(stdout, `This run uses the AWS account of your environment. It creates one stream of %d shards and one DynamoDB table, both named
penstock-quickstart-<random>, streams %d files through them, and deletes both at the end.
It costs about 0.15 US dollars at us-east-1 prices: up to %d shard hours at 0.015, some 5,000 on-demand writes and reads of the
table%s. Type "yes" to go on: `, s.shards, len(files), s.shards+2, fanOutCost(s))
	answer, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was created")
	}
	return nil
}

func fanOutCost(s settings) string {
	if !s.fanOut {
		return ""
	}
	return fmt.Sprintf(", and up to %d consumer-shard hours at 0.015 for enhanced fan-out", s.shards+2)
}
