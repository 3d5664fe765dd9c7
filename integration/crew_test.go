package integration

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/producer"
)

const (
	crewStream   = "orders"
	crewName     = "billing"
	crewFailover = 5 * time.Second
	crewKeys     = 24
)

// crew is an application whose workers, in Go and in Java, read one stream. It notes what they handle, in the order in which they do:
// each worker waits until that is noted before it checkpoints.
type crew struct {
	t        *testing.T
	srv      *kinesistest.Server
	jar      string
	url      string
	producer *producer.Producer
	put      int // records of each key

	mu      sync.Mutex    // guards the fields below
	notes   []note        // grows
	changed chan struct{} // closed when it does
}

// note says that a worker has handled a record: the nth of its key.
type note struct {
	worker, shard string
	at            checkpoint.Position
	key           string
	n             int
}

// record tells what a record is, wherever it was handled.
func (n note) record() string { return fmt.Sprintf("%s/%d", n.key, n.n) }

func newCrew(t *testing.T) *crew {
	f := &crew{t: t, jar: servers.Java(t), srv: kinesistest.New(), changed: make(chan struct{})}
	t.Cleanup(func() { f.srv.Close() })
	url, err := f.srv.ListenTLS("127.0.0.1:0")
	must(t, err)
	f.url = url
	client := f.srv.Kinesis()
	_, err = client.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(crewStream), ShardCount: aws.Int32(4)})
	must(t, err)
	active(t.Context(), t, client, crewStream)
	f.producer, err = producer.New(producer.Config{
		Kinesis: client, Stream: crewStream, Linger: 10 * time.Millisecond, Ordered: true, MaxAggregateRecords: 5,
	})
	must(t, err)
	t.Cleanup(func() { must(t, f.producer.Close(context.WithoutCancel(t.Context()))) })
	return f
}

// putMore puts so many records of each key, in aggregates of a few.
func (f *crew) putMore(rounds int) {
	f.t.Helper()
	for range rounds {
		f.put++
		batch := make([]producer.Record, crewKeys)
		for key := range batch {
			name := fmt.Sprint("customer-", key)
			batch[key] = producer.Record{PartitionKey: name, Data: fmt.Appendf(nil, "%s/%d", name, f.put)}
		}
		results, err := f.producer.PutSync(f.t.Context(), batch...)
		must(f.t, err)
		for _, r := range results {
			must(f.t, r.Err)
		}
	}
}

// noted writes down that a worker has handled a record.
func (f *crew) noted(worker, shard, sequence string, sub int64, data string) {
	at, err := checkpoint.At(sequence, sub)
	key, number, _ := strings.Cut(data, "/")
	n, notANumber := strconv.Atoi(number)
	if err != nil || notANumber != nil {
		f.t.Errorf("%s handled %q at %s, %d of %s", worker, data, sequence, sub, shard)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, note{worker: worker, shard: shard, at: at, key: key, n: n})
	close(f.changed)
	f.changed = make(chan struct{})
}

// seen returns what was noted up to now, and a channel that is closed when there is more.
func (f *crew) seen() ([]note, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notes[:len(f.notes):len(f.notes)], f.changed
}

// patience bounds every wait: the start of a Java program on a busy machine, and half a minute in which the KCL, on an empty table, gives
// others time to list the shards.
const patience = 2 * time.Minute

// await waits until what was noted is enough.
func (f *crew) await(what string, enough func([]note) bool) {
	f.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		notes, changed := f.seen()
		if enough(notes) {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			f.t.Fatalf("%s: not within %v; %d notes, %v, of %d records", what, patience, len(notes), byWorker(notes), f.put*crewKeys)
		}
	}
}

// byWorker counts the notes of each worker.
func byWorker(notes []note) map[string]int {
	count := make(map[string]int)
	for _, n := range notes {
		count[n.worker]++
	}
	return count
}

// awaitAll waits until every record that was put has been handled.
func (f *crew) awaitAll() {
	f.t.Helper()
	f.await("all records are handled", func(notes []note) bool {
		different := make(map[string]bool)
		for _, n := range notes {
			different[n.record()] = true
		}
		return len(different) == f.put*crewKeys
	})
}

// putUntil puts records, round by round, until the workers have shared a round as they should.
func (f *crew) putUntil(what string, shared func(map[string]int) bool) {
	f.t.Helper()
	for began := time.Now(); time.Since(began) < patience; {
		before, _ := f.seen()
		f.putMore(1)
		f.awaitAll()
		if notes, _ := f.seen(); shared(byWorker(notes[len(before):])) {
			return
		}
	}
	notes, _ := f.seen()
	f.t.Fatalf("%s: not within %v; of %d records %v", what, patience, f.put*crewKeys, byWorker(notes))
}

// worker is a member of the fleet, and two ways in which it may leave.
type worker struct {
	stop func() // in good order
	die  func()
}

// inGo starts a worker of this library.
func (f *crew) inGo(name string) worker {
	f.t.Helper()
	caller := f.srv.As(name)
	c, err := consumer.New(consumer.Config{
		Application: crewName, Streams: []consumer.Stream{{Name: crewStream}}, Kinesis: caller.Kinesis(), DynamoDB: caller.DynamoDB(),
		WorkerID: name, FailoverTime: crewFailover, PollInterval: 200 * time.Millisecond, MaxBatchRecords: 3,
		NewHandler: func(consumer.Shard) (consumer.Handler, error) { return f.handler(name), nil },
	})
	must(f.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	leave := sync.OnceValue(func() error { cancel(); return <-ended })
	f.t.Cleanup(func() { _ = leave() }) // a test that ends early has failed already
	return worker{
		stop: func() { f.t.Helper(); must(f.t, leave()) },
		die: func() {
			f.srv.Partition(name)
			_ = leave() // it cannot give anything up
		},
	}
}

// checkpointEvery is after how many batches of a shard there is a checkpoint, in the middle of the batch: as in the KCL's worker.
const checkpointEvery = 3

// handler handles one shard.
func (f *crew) handler(name string) consumer.Handler {
	batches := 0
	return consumer.HandlerFunc(func(ctx context.Context, b *consumer.Batch) error {
		for _, r := range b.Records {
			f.noted(name, b.Shard.ID, r.SequenceNumber, int64(r.SubSequence), string(r.Data))
		}
		if batches++; batches%checkpointEvery == 0 {
			b.Ack(len(b.Records)/2 + 1)
			_ = b.Checkpoint(ctx) // a worker that has been cut off cannot
		}
		return nil
	})
}

// inJava starts a worker of the KCL, in a process of its own.
func (f *crew) inJava(name string) worker {
	f.t.Helper()
	dir := f.t.TempDir()
	none, log := filepath.Join(dir, "none"), filepath.Join(dir, "log")
	must(f.t, os.WriteFile(none, nil, 0o600)) // the SDK wants to read one, and must not read the user's
	cmd := exec.Command("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", f.jar, "bench.Worker", f.url, crewStream, crewName, name, strconv.FormatInt(crewFailover.Milliseconds(), 10))
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none)
	stderr, err := os.Create(log)
	must(f.t, err)
	defer stderr.Close()
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	must(f.t, err)
	stdin, err := cmd.StdinPipe()
	must(f.t, err)
	must(f.t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.listen(name, stdout, stdin)
		_ = cmd.Wait() // its status after a signal says nothing
	}()
	leave := func(s os.Signal) { _ = cmd.Process.Signal(s); <-ended }
	f.t.Cleanup(func() {
		leave(os.Kill)
		if text, err := os.ReadFile(log); err == nil && f.t.Failed() {
			f.t.Logf("%s:\n%s", name, text)
		}
	})
	return worker{stop: func() { leave(syscall.SIGTERM) }, die: func() { leave(os.Kill) }}
}

// listen notes what a worker in Java says that it has handled, and answers each batch.
func (f *crew) listen(name string, says io.Reader, answer io.Writer) {
	for lines := bufio.NewScanner(says); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			_, _ = io.WriteString(answer, "\n") // a worker that has ended needs none
			continue
		}
		if len(words) != 4 {
			f.t.Errorf("%s said %q", name, lines.Text())
			continue
		}
		sub, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			f.t.Errorf("%s said %q", name, lines.Text())
		}
		f.noted(name, words[0], words[1], sub, words[3])
	}
}

// checkpoints reads, from the table, where each shard stands.
func (f *crew) checkpoints() map[string]checkpoint.Position {
	f.t.Helper()
	rows, err := f.srv.DynamoDB().Scan(f.t.Context(), &dynamodb.ScanInput{TableName: aws.String(crewName), ConsistentRead: aws.Bool(true)})
	must(f.t, err)
	at := make(map[string]checkpoint.Position)
	for _, row := range rows.Items {
		if row["entityType"].(*types.AttributeValueMemberS).Value != "LEASE" {
			continue
		}
		sub, err := strconv.ParseInt(row["checkpointSubSequenceNumber"].(*types.AttributeValueMemberN).Value, 10, 64)
		must(f.t, err)
		p, err := checkpoint.Parse(row["checkpoint"].(*types.AttributeValueMemberS).Value, sub)
		must(f.t, err)
		at[row["leaseKey"].(*types.AttributeValueMemberS).Value] = p
	}
	return at
}
