//go:build !race

// The race detector allocates, and makes pools forget.

package kinesistest_test

import (
	"encoding/base64"
	"fmt"
	"runtime"
	"testing"
)

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes at the second one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a stored record takes besides its data and its key, however it came in.
func TestARecordTakesSixtyFourBytesMore(t *testing.T) {
	single := func(size int) []byte {
		data := base64.StdEncoding.EncodeToString(make([]byte, size))
		return fmt.Appendf(nil, `{"StreamName":"orders","PartitionKey":"key-123","Data":%q}`, data)
	}
	for name, c := range map[string]struct {
		operation     string
		body          []byte
		requests      int
		records, size int // of a request: size is data and keys
	}{
		"500 of 1 KiB at a time": {"PutRecords", putBody("orders"), 60, 500, 500*1024 + 10*5 + 90*6 + 400*7},
		"1 KiB at a time":        {"PutRecord", single(1024), 30000, 1, 1024 + 7},
		"100 bytes at a time":    {"PutRecord", single(100), 40000, 1, 100 + 7},
		"no data":                {"PutRecord", single(0), 40000, 1, 7},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 4)
			before := heap()
			for range c.requests {
				serve(t, r.srv, rawRequest(t.Context(), c.operation, jsonType, c.body))
			}
			used := heap() - before
			runtime.KeepAlive(r)
			records := c.requests * c.records
			each := float64(used-int64(c.requests*c.size)) / float64(records)
			t.Logf("%.1f bytes besides the payload", each)
			if each > 64 || each < 32 { // less than a slot of the log cannot be: the measurement would be wrong
				t.Errorf("a record takes %.1f bytes besides its payload", each)
			}
		})
	}
}
