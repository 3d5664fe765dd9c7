package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// A section is a part of the table. Its first row is what the others are compared with.
type section struct {
	title string
	task  task
	kinds []string

	remote bool // with a server in another process
	times  int  // how often each row is run; the best counts
}

// sections are all there is to measure.
func sections() (all []section) {
	for _, s := range []section{
		{title: "GetRecords, 10,000 x 1 KB, one call", task: task{Records: 10_000, Size: 1000}, kinds: []string{"get-sdk", "get"}},
		{title: "GetRecords, 40 x 50 KB, one call", task: task{Records: 40, Size: 50_000}, kinds: []string{"get-sdk", "get"}},
		{title: "PutRecords, 500 x 1 KB, one call", task: task{Records: 500, Size: 1000}, kinds: []string{"put-sdk", "put"}},
		{title: "PutRecords, 100 x 50 KB, one call", task: task{Records: 100, Size: 50_000}, kinds: []string{"put-sdk", "put"}},
		{title: "SubscribeToShard, 2,000 x 1 KB", task: task{Records: 2000, Size: 1000}, kinds: []string{"events-sdk", "events"}},
		{title: "SubscribeToShard, 40 x 50 KB", task: task{Records: 40, Size: 50_000}, kinds: []string{"events-sdk", "events"}},
		{title: "replies to handler, 100 bytes, aggregated", task: task{Records: 400_000, Size: 100, Aggregated: true, Shards: 4}, kinds: delivering},
		{title: "replies to handler, 100 bytes, plain", task: task{Records: 40_000, Size: 100, Shards: 4}, kinds: delivering},
		{title: "replies to handler, 1 KB, plain", task: task{Records: 40_000, Size: 1000, Shards: 4}, kinds: delivering},
		{title: "put, 100 bytes, aggregated", task: task{Records: 500_000, Size: 100, Aggregated: true, Shards: 4}, kinds: []string{"produce-sdk", "produce", "produce-kpl"}},
		{title: "put, 1 KB, plain", task: task{Records: 100_000, Size: 1000, Shards: 4}, kinds: []string{"produce-sdk", "produce", "produce-kpl"}},
		{title: "read, 100 bytes, plain", task: task{Records: 200_000, Size: 100}, kinds: readers},
		{title: "read, 1 KB, plain", task: task{Records: 100_000, Size: 1000}, kinds: readers},
		{title: "read, 100 bytes, aggregated", task: task{Records: 1_000_000, Size: 100, Aggregated: true}, kinds: readers},
		{title: "read, 1 KB, aggregated", task: task{Records: 100_000, Size: 1000, Aggregated: true}, kinds: readers},
		{title: "latency from Put to handler, 1,000 records a second", task: task{Records: 10_000, Size: 100, Shards: 2}, kinds: []string{"latency-polling", "latency-fanout"}},
		{title: "growth, 1 shard", task: task{Records: 100_000, Size: 100}, kinds: growing},
		{title: "growth, 10 shards", task: task{Records: 100_000, Size: 100, Shards: 10}, kinds: growing},
		{title: "growth, 100 shards", task: task{Records: 100_000, Size: 100, Shards: 100}, kinds: growing},
		{title: "growth, 1,000 shards", task: task{Records: 100_000, Size: 100, Shards: 1000}, kinds: growing},
	} {
		s.task.Long = 500 * time.Millisecond
		s.task.Shards = max(s.task.Shards, 1)
		prefix, _, _ := strings.Cut(s.kinds[0], "-")
		s.remote = prefix == "produce" || prefix == "consume" || prefix == "latency"
		if s.times = 2; s.remote {
			s.times = 1
		}
		all = append(all, s)
	}
	return all
}

var (
	readers    = []string{"consume-sdk", "consume-polling", "consume-fanout", "consume-kcl"}
	delivering = []string{"deliver-sdk", "deliver-polling"}
	growing    = []string{"consume-polling", "consume-fanout"}
)

// names are the kinds as readers of the table know them.
var names = map[string]string{
	"get-sdk": "SDK, JSON", "get": "Penstock", "put-sdk": "SDK, JSON", "put": "Penstock", "events-sdk": "SDK, JSON", "events": "Penstock",
	"deliver-sdk": "loop over SDK GetRecords", "deliver-polling": "Penstock, polling",
	"produce-sdk": "loop over SDK PutRecords", "produce": "Penstock producer", "produce-kpl": "KPL (Java)",
	"consume-sdk": "loop over SDK GetRecords", "consume-polling": "Penstock, polling", "consume-fanout": "Penstock, fan-out", "consume-kcl": "KCL (Java), polling",
	"latency-polling": "Penstock, polling", "latency-fanout": "Penstock, fan-out",
}

// table writes rows as they come.
type table struct {
	w     io.Writer
	first map[string]result // of each section
}

func newTable(w io.Writer) *table {
	fmt.Fprintln(w, "| what | who | records/CPU s | MB/CPU s | ratio | of memcpy | of MD5 | of SHA-256 | allocations/record | peak MB | p50 / p99 / p99.9 ms |")
	fmt.Fprintln(w, "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	return &table{w: w, first: make(map[string]result)}
}

func (t *table) row(s *section, kind string, r result) {
	if _, ok := t.first[s.title]; !ok {
		t.first[s.title] = r
	}
	ms := make([]string, len(r.Percentiles))
	for i, p := range r.Percentiles {
		ms[i] = fmt.Sprintf("%.0f", p)
	}
	allocations := "-"
	if r.Allocations >= 0 {
		allocations = fmt.Sprintf("%.2f", r.Allocations)
	}
	fmt.Fprintf(t.w, "| %s | %s | %.0f | %.0f | %.2f | %.3f | %.2f | %.2f | %s | %.0f | %s |\n", s.title, names[kind], r.recordsPerCPU(), r.mbPerCPU(),
		r.mbPerCPU()/t.first[s.title].mbPerCPU(), r.mbPerCPU()/r.Memcpy, r.mbPerCPU()/r.MD5, r.mbPerCPU()/r.SHA256, allocations,
		float64(r.PeakBytes)/1e6, strings.Join(ms, " / "))
}
