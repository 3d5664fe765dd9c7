//go:build !race

// The race detector allocates, and makes pools forget.

package kinesistest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// Benchmarks run against the emulator, so it must not be what they measure: the service's side of a call may allocate this
// much, whatever the size of the records.
func TestDataPlaneAllocatesLittle(t *testing.T) {
	r := newRig(t, 4)
	put := putBody(*r.stream)
	perPut := testing.AllocsPerRun(20, func() {
		serve(t, r.srv, rawRequest(t.Context(), "PutRecords", jsonType, put))
	})
	if perPut > 200 {
		t.Errorf("PutRecords allocates %.0f times", perPut)
	}
	get := fmt.Appendf(nil, `{"ShardIterator":%q}`, *r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
	perGet := testing.AllocsPerRun(20, func() {
		serve(t, r.srv, rawRequest(t.Context(), "GetRecords", jsonType, get))
	})
	if perGet > 100 {
		t.Errorf("GetRecords allocates %.0f times", perGet)
	}
}

// A reply goes to the client without being copied: its buffer comes back when the client closes the body.
func TestClosedBodiesAreUsedAgain(t *testing.T) {
	r := newRig(t, 1)
	r.put("k", string(bytes.Repeat([]byte("x"), 1<<20-1)))
	get := fmt.Appendf(nil, `{"ShardIterator":%q}`, *r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
	client := r.srv.HTTPClient()
	result := testing.Benchmark(func(b *testing.B) {
		buf := make([]byte, 1<<16)
		for b.Loop() {
			resp, err := client.Do(rawRequest(b.Context(), "GetRecords", jsonType, get))
			if err != nil || resp.StatusCode != http.StatusOK {
				b.Fatal(err)
			}
			for err == nil {
				_, err = resp.Body.Read(buf)
			}
			must(b, resp.Body.Close())
		}
	})
	if per := result.AllocedBytesPerOp(); per > 1<<19 {
		t.Errorf("a reply of 1.4 MB allocates %d bytes", per)
	}
}
