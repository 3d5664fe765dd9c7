package consumer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/leases"
)

var noHandler = HandlerFunc(func(context.Context, *Batch) error { return nil })

func valid() Config {
	return Config{
		Application: "billing", Streams: []Stream{{Name: testStream}}, Kinesis: kinesis.New(kinesis.Options{}),
		Leases: leases.NewMemory(), Handler: noHandler,
	}
}

// faultyFields returns the fields that New finds fault with.
func faultyFields(err error) (fields []string) {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return nil
	}
	for _, fault := range joined.Unwrap() {
		var config *ConfigError
		if errors.As(fault, &config) && errors.Is(fault, ErrConfig) && config.Reason != "" {
			fields = append(fields, config.Field)
		}
	}
	return fields
}

func TestNewListsEveryFault(t *testing.T) {
	_, err := New(Config{
		Application: "no spaces", FailoverTime: time.Millisecond, MaxBufferedBytes: 1, PollInterval: -1, MaxPollInterval: -1, CheckpointInterval: -1, ShutdownTimeout: -1,
		HandoffTimeout: -1, MaxLeases: -1, MaxMoves: -1, MaxBatchRecords: -1, MaxBatchBytes: -1, BatchWindow: -1, Concurrency: 1001, Failure: Failure{MaxAttempts: 3}, Handler: noHandler, NewHandler: func(Shard) (Handler, error) { return noHandler, nil },
		Streams: []Stream{
			{Name: "a", Start: At(time.Time{})}, {Name: "a"}, {ARN: "arn:aws:sqs:us-east-1:1:a"}, {Name: "b", ConsumerName: "x"},
			{Name: "c", FanOut: true, ConsumerName: "no spaces"}, {Name: "d", ARN: "arn:aws:kinesis:us-east-1:1:stream/e"},
			{Name: "f", FanOut: true, ConsumerARN: "g"},
		},
	})
	want := []string{
		"Application", "Kinesis", "DynamoDB", "Handler", "FailoverTime", "MaxBufferedBytes", "PollInterval", "MaxPollInterval", "CheckpointInterval", "ShutdownTimeout",
		"HandoffTimeout", "MaxLeases", "MaxMoves", "MaxBatchRecords", "MaxBatchBytes", "BatchWindow", "Concurrency", "Failure.Then", "Streams[0].Start", "Streams[1].Name", "Streams[2].Name", "Streams[3].FanOut",
		"Streams[4].ConsumerName", "Streams[5].Name", "Streams[6].ConsumerARN",
	}
	if got := faultyFields(err); !slices.Equal(got, want) {
		t.Errorf("faults in\n%v, want\n%v", got, want)
	}
}

func TestNewNeedsAStreamAndOnePlaceForLeases(t *testing.T) {
	if _, err := New(Config{}); !slices.Contains(faultyFields(err), "Streams") || !slices.Contains(faultyFields(err), "DynamoDB") || !slices.Contains(faultyFields(err), "Handler") {
		t.Errorf("%v", err)
	}
	if _, err := New(valid()); err != nil {
		t.Errorf("a valid configuration: %v", err)
	}
}

func TestNewFindsTableNamesThatDynamoDBDoesNotAllow(t *testing.T) {
	cfg := valid()
	cfg.Leases, cfg.DynamoDB = nil, dynamodb.New(dynamodb.Options{})
	if _, err := New(cfg); err != nil {
		t.Errorf("the application's name: %v", err)
	}
	cfg.TableName = "a"
	if _, err := New(cfg); !slices.Equal(faultyFields(err), []string{"TableName"}) {
		t.Errorf("a name that is too short: %v", err)
	}
}

func TestDefaultsFillEveryZeroField(t *testing.T) {
	c, err := New(valid())
	if err != nil {
		t.Fatal(err)
	}
	// What may stay zero: what is chosen at Run, or by the leases, what has the other choice set, and what zero means something for.
	optional := []string{
		"DynamoDB", "WorkerID", "MaxLeases", "MaxMoves", "HandoffTimeout", "KeepEnded", "CPU", "Hooks", "BatchWindow", "Failure",
		"MultiStream", "Protocol", "DropOutsideShard",
	}
	v := reflect.ValueOf(c.cfg)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && !slices.Contains(optional, name) {
			t.Errorf("%s has no default", name)
		}
	}
	if c.cfg.CheckpointInterval != 3200*time.Millisecond || c.cfg.TableName != "billing" || c.cfg.Streams[0].ConsumerName != "billing" {
		t.Errorf("%+v", c.cfg)
	}
}

// refusal is a transport in front of a service that cannot be used.
type refusal func(*http.Request) (*http.Response, error)

func (f refusal) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestUselessStreamsAreToldApart(t *testing.T) {
	for name, test := range map[string]struct {
		stream string
		answer refusal
		want   error
	}{
		"unknown": {stream: "unknown", want: ErrStreamNotFound},
		"denied": {stream: testStream, want: ErrAccessDenied, answer: func(req *http.Request) (*http.Response, error) {
			return failure(req, http.StatusBadRequest, "AccessDeniedException"), nil
		}},
		"dead": {stream: testStream, want: ErrUnreachable, answer: func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.config()
				cfg.Streams[0].Name = test.stream
				if test.answer != nil {
					cfg.Kinesis = kinesis.New(w.client.Options(), func(o *kinesis.Options) { o.HTTPClient = &http.Client{Transport: test.answer} })
				}
				c, err := New(cfg)
				w.must(err)
				began := time.Now()
				err = c.Run(w.Context())
				var stream *StreamError
				if !errors.Is(err, test.want) || !errors.As(err, &stream) || stream.Stream != test.stream {
					t.Errorf("Run returned %v, want %v", err, test.want)
				}
				for _, other := range []error{ErrStreamNotFound, ErrAccessDenied, ErrUnreachable} {
					if !errors.Is(test.want, other) && errors.Is(err, other) {
						t.Errorf("%v is also %v", err, other)
					}
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestRunRunsOnceAtATime(t *testing.T) {
	bubble(t, 1, func(w *world) {
		c, err := New(w.config())
		w.must(err)
		ctx, cancel := context.WithCancel(w.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
		if err := c.Run(ctx); !errors.Is(err, ErrRunning) {
			t.Errorf("a second Run: %v", err)
		}
		cancel()
		w.must(<-done)
		again, stop := context.WithTimeout(w.Context(), time.Second)
		defer stop()
		w.must(c.Run(again))
	})
}
