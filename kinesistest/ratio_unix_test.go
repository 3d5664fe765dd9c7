//go:build unix

package kinesistest_test

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// cpuTime is what the process has used of the processors, the collector's share included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// compare reports how much of the processor the server's side of a call takes, as a part of what the SDK's client takes for the same
// call when the reply is there already. Both take turns, so that what else the machine does hurts them alike.
func compare(b *testing.B, server, client func()) {
	const turn = 100 // calls, so that what the collector still does for one side is little beside the other's own
	var byServer, byClient time.Duration
	for n := 0; n < b.N; n += turn {
		start := cpuTime()
		for range turn {
			server()
		}
		between := cpuTime()
		for range turn {
			client()
		}
		byServer, byClient = byServer+between-start, byClient+cpuTime()-between
	}
	b.ReportMetric(float64(byServer)/float64(byClient), "server/client")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkShareOfTheServer shows that the server is not what benchmarks against it measure.
func BenchmarkShareOfTheServer(b *testing.B) {
	b.Run("PutRecords500x1KB", func(b *testing.B) {
		r := newRig(b, 4)
		body, in := putBody(*r.stream), putInput(r.stream)
		put := func() []byte { return serve(b, r.srv, rawRequest(b.Context(), "PutRecords", jsonType, body)) }
		client := cannedClient(bytes.Clone(put()))
		i := 0
		compare(b, func() {
			i++
			freshStream(b, r, i)
			put()
		}, func() {
			_, err := client.PutRecords(b.Context(), in)
			must(b, err)
		})
	})
	b.Run("GetRecords10000x1KB", func(b *testing.B) {
		r := newRig(b, 1)
		for range 20 {
			_, err := r.PutRecords(b.Context(), putInput(r.stream))
			must(b, err)
		}
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		body := fmt.Appendf(nil, `{"ShardIterator":%q}`, *it)
		get := func() []byte { return serve(b, r.srv, rawRequest(b.Context(), "GetRecords", jsonType, body)) }
		client := cannedClient(bytes.Clone(get()))
		compare(b, func() { get() }, func() {
			_, err := client.GetRecords(b.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
			must(b, err)
		})
	})
}
