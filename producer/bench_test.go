package producer_test

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/producer"
)

const (
	benchKeys     = 10_000
	benchShards   = 4
	benchInFlight = 8
	inAggregate   = 50_000 // bytes of records that share an MD5, for the floor
)

// cpu is the time that this process has computed for.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchRecords(size int) (keys []string, data []byte) {
	keys = make([]string, benchKeys)
	for i := range keys {
		keys[i] = fmt.Sprintf("%08d-0000-4000-8000-%012d", i, i) // as long as a UUID
	}
	data = make([]byte, size)
	for i := range data {
		data[i] = byte(i * 7)
	}
	return keys, data
}

// measure reports CPU time per record.
func measure(b *testing.B, run func()) {
	b.ReportAllocs()
	before := cpu()
	b.ResetTimer()
	run()
	b.StopTimer()
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}

// BenchmarkProducer compares a producer, from Put to done, with a loop over the SDK's PutRecords and with the floor: what the protocol and the
// format make everybody compute. An operation is one user record.
//
//	go test -run '^$' -bench Producer -benchtime 2000000x ./producer
//	GOGC=800 go test ...
func BenchmarkProducer(b *testing.B) {
	for _, size := range []int{100, 1000} {
		keys, data := benchRecords(size)
		b.Run(fmt.Sprintf("%dB/floor", size), func(b *testing.B) { measure(b, func() { floor(b.N, size) }) })
		b.Run(fmt.Sprintf("%dB/sdk-loop", size), func(b *testing.B) {
			client := newInstant(keys).client()
			measure(b, func() { sdkLoop(b, client, keys, data) })
		})
		for _, putters := range []int{1, 64} {
			b.Run(fmt.Sprintf("%dB/%d-putters", size, putters), func(b *testing.B) { benchPut(b, newInstant(keys).client(), putters, keys, data) })
		}
	}
}

func benchPut(b *testing.B, client producer.KinesisAPI, putters int, keys []string, data []byte) {
	p, err := producer.New(producer.Config{Kinesis: client, Stream: stream, MaxInFlight: benchInFlight, Hooks: producer.Hooks{Degraded: func(err error) { b.Error(err) }}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.PutSync(context.Background(), producer.Record{PartitionKey: "k"}); err != nil { // it knows the shards from here on
		b.Fatal(err)
	}
	if len(p.Shards()) != benchShards {
		b.Fatal("the shards are not known: nothing would be aggregated")
	}
	measure(b, func() {
		done := func(r producer.Result) {
			if r.Err != nil {
				b.Error(r.Err)
			}
		}
		var wg sync.WaitGroup
		for g := range putters {
			wg.Go(func() {
				for i := g; i < b.N; i += putters {
					if err := p.Put(context.Background(), producer.Record{PartitionKey: keys[i%len(keys)], Data: data}, done); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if err := p.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
}

// floor computes what protocol and format ask for: a copy of each record, the MD5 of the aggregates, by crypto/md5, and the SHA-256 of the requests.
func floor(records, size int) {
	const frame = 10 // of a record in an aggregate
	const key = 38   // in the aggregate's table
	from, aggregate := make([]byte, inAggregate), make([]byte, inAggregate)
	for left := records * (size + frame + key); left > 0; left -= len(from) {
		copy(aggregate, from)
		md5.Sum(aggregate)
		sha256.Sum256(aggregate)
	}
}

func sdkLoop(b *testing.B, client *kinesis.Client, keys []string, data []byte) {
	const perRequest = 500
	var wg sync.WaitGroup
	for g := range benchInFlight {
		wg.Go(func() {
			for at := g * perRequest; at < b.N; at += benchInFlight * perRequest {
				in := &kinesis.PutRecordsInput{StreamName: aws.String(stream)}
				for i := at; i < min(at+perRequest, b.N); i++ {
					in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: &keys[i%len(keys)], Data: data})
				}
				if _, err := client.PutRecords(context.Background(), in); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkLatency puts a record each millisecond, and reports what a result takes beyond Linger at the 50th and 99th percentile; and how late
// a bare timer of the same time is that is started beside each Put, since a result cannot be earlier.
func BenchmarkLatency(b *testing.B) {
	keys, data := benchRecords(100)
	const linger = 5 * time.Millisecond
	p, err := producer.New(producer.Config{Kinesis: newInstant(keys).client(), Stream: stream, Linger: linger})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := p.PutSync(context.Background(), producer.Record{PartitionKey: "k"}); err != nil {
		b.Fatal(err)
	}
	var results, timers lateness
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		start := time.Now()
		timers.pending.Add(1)
		time.AfterFunc(linger, func() {
			defer timers.pending.Done()
			timers.add(time.Since(start) - linger)
		})
		done := func(producer.Result) { results.add(time.Since(start) - linger) }
		if err := p.Put(context.Background(), producer.Record{PartitionKey: keys[i%len(keys)], Data: data}, done); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	timers.pending.Wait()
	results.report(b, "")
	timers.report(b, "timer-")
}

// lateness is by how much something came after its time.
type lateness struct {
	pending sync.WaitGroup

	mu  sync.Mutex // guards all
	all []time.Duration
}

func (l *lateness) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *lateness) report(b *testing.B, prefix string) {
	slices.Sort(l.all)
	b.ReportMetric(float64(l.all[len(l.all)/2].Microseconds()), prefix+"p50-µs")
	b.ReportMetric(float64(l.all[len(l.all)*99/100].Microseconds()), prefix+"p99-µs")
}
