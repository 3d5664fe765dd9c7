package consumer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/leases"
)

func someFailed() Failed {
	return Failed{
		Shard: Shard{Stream: testStream, ID: shardID(3)}, Reason: AttemptsExhausted, Attempts: 5, Cause: errHandler,
		Records: []Record{
			{SequenceNumber: "7", SubSequence: 2, Aggregated: true, PartitionKey: "k", ExplicitHashKey: "9", Data: []byte{0, 255, '\n'}, ApproximateArrival: time.Unix(5, 0).UTC()},
			{SequenceNumber: "8", Data: []byte("x")},
		},
	}
}

func readDead(t *testing.T, path string) (all []DeadRecord) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r DeadRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func TestFileSinkKeepsEveryFieldAndGoesOnWithAnOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead")
	for range 2 {
		sink, err := NewFileSink(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := sink.Put(t.Context(), someFailed()); err != nil {
			t.Fatal(err)
		}
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
	}
	got := readDead(t, path)
	want := DeadRecord{
		Stream: testStream, Shard: shardID(3), SequenceNumber: "7", SubSequence: 2, Aggregated: true, Arrival: time.Unix(5, 0).UTC(), Attempts: 5,
		Reason: "attempts exhausted", Error: errHandler.Error(), PartitionKey: "k", ExplicitHashKey: "9", Data: []byte{0, 255, '\n'},
	}
	if len(got) != 4 || string(got[0].Data) != string(want.Data) || string(got[3].Data) != "x" {
		t.Fatalf("%+v", got)
	}
	if got[0].Data, want.Data = nil, nil; got[0].Arrival != want.Arrival || !sameDead(got[0], want) {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func sameDead(a, b DeadRecord) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func TestFileSinkFailsWhileItCannotWriteAndSaysSo(t *testing.T) {
	if _, err := NewFileSink(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	sink, err := NewFileSink(filepath.Join(t.TempDir(), "dead"))
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if err := sink.Put(t.Context(), someFailed()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestStreamSinkPutsWhatTheHandlerShouldHaveSeen(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.another("dead", 0)
		w.putAggregate("a", 3)
		w.putPlain("b")
		sink, err := NewStreamSink(w.client, "dead")
		w.must(err)
		cfg := w.config()
		cfg.Failure = Failure{MaxAttempts: 1, Then: SendToDeadLetter, DeadLetter: sink}
		cfg.Handler = HandlerFunc(func(context.Context, *Batch) error { return errHandler })
		failing := w.start(cfg)
		dead := w.config()
		dead.Application, dead.Streams = "redrive", []Stream{{Name: "dead"}}
		dead.Leases = leases.NewMemory()
		redrive := w.start(dead)
		w.awaitAll()
		failing.mustEnd()
		redrive.mustEnd()
		w.verify()
		if keys := w.seen.all(); keys[0].PartitionKey != "a" || keys[3].PartitionKey != "b" || keys[0].Aggregated {
			t.Errorf("%+v", keys)
		}
	})
}

// The key of a member of an aggregate may be longer than the service lets one of a record of its own be.
func TestStreamSinkTakesEveryKeyThatAnAggregateMayHave(t *testing.T) {
	for name, key := range map[string]string{"long": strings.Repeat("ключ", 100), "no text": "a\xff"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				w.another("dead", 0)
				w.putRaw("a", sealed(w, key, w.data()))
				sink, err := NewStreamSink(w.client, "dead")
				w.must(err)
				cfg := w.config()
				cfg.Failure = Failure{MaxAttempts: 1, Then: SendToDeadLetter, DeadLetter: sink}
				cfg.Handler = HandlerFunc(func(context.Context, *Batch) error { return errHandler })
				failing := w.start(cfg)
				dead := w.config()
				dead.Application, dead.Streams, dead.Leases = "redrive", []Stream{{Name: "dead"}}, leases.NewMemory()
				redrive := w.start(dead)
				w.awaitAll()
				failing.mustEnd()
				redrive.mustEnd()
				w.verify()
				if r := w.seen.all()[0]; r.PartitionKey != key || !r.Aggregated {
					t.Errorf("%+v", r)
				}
				if in, err := letter(&Record{PartitionKey: key}); err != nil || aws.ToString(in.ExplicitHashKey) != hashkey.Of(key).String() {
					t.Errorf("it goes to another shard than its member belongs to: %v", err)
				}
			})
		})
	}
}

// sealed returns an aggregate of one record.
func sealed(w *world, key string, data []byte) []byte {
	w.Helper()
	var e aggregation.Encoder
	w.must(e.Add(key, "", data))
	return e.AppendTo(nil)
}

// echoing refuses records as the service does, with the partition key in its message.
type echoing struct{}

func (echoing) PutRecord(_ context.Context, in *kinesis.PutRecordInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "Value '" + *in.PartitionKey + "' at 'partitionKey' failed to satisfy constraint"}
}

func TestARefusalByADeadLetterStreamRepeatsNoPartitionKey(t *testing.T) {
	sink, err := NewStreamSink(echoing{}, "dead")
	if err != nil {
		t.Fatal(err)
	}
	f := someFailed()
	f.Records[0].PartitionKey = "secret"
	err = sink.Put(t.Context(), f)
	var api smithy.APIError
	if !errors.As(err, &api) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "ValidationException") {
		t.Errorf("%v", err)
	}
}

// putter is the recording end of a sink.
type putter struct{ puts []*kinesis.PutRecordInput }

func (p *putter) PutRecord(_ context.Context, in *kinesis.PutRecordInput, _ ...func(*kinesis.Options)) (*kinesis.PutRecordOutput, error) {
	p.puts = append(p.puts, in)
	return &kinesis.PutRecordOutput{SequenceNumber: aws.String("n" + strings.Repeat("+", len(p.puts)))}, nil
}

func TestStreamSinkKeepsKeysAndOrder(t *testing.T) {
	if _, err := NewStreamSink(&putter{}, "no spaces"); err == nil {
		t.Error("a wrong name")
	}
	api := &putter{}
	sink, err := NewStreamSink(api, "dead")
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Put(t.Context(), someFailed()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, in := range api.puts {
		got = append(got, aws.ToString(in.StreamName), aws.ToString(in.PartitionKey), aws.ToString(in.ExplicitHashKey), aws.ToString(in.SequenceNumberForOrdering))
	}
	if want := []string{"dead", "k", "9", "", "dead", "8", "", "n+"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
