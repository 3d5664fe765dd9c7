package integration

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/penstock-go/penstock/consumer"
)

// The prices and the loads that docs/capacity.md reckons with, in US dollars.
const (
	hours   = 730.0
	seconds = hours * 3600
	million = 1e6

	shardHour      = 0.015
	putUnit        = 0.014 / million // 25 KiB or a part of it, of one Kinesis record
	fanOutHour     = 0.015           // of a consumer and shard
	fanOutGiB      = 0.013
	onDemandHour   = 0.04
	onDemandIn     = 0.08 // a GiB
	onDemandOut    = 0.04
	dynamoWrite    = 0.625 / million
	dynamoRead     = 0.125 / million // an eventually consistent read of 4 KiB is half of one
	metricMonth    = 0.30            // of the first 10,000
	metricMonth2   = 0.10            // of the next 240,000
	metricRequests = 0.01 / 1000

	load         = 512 << 10 // bytes a second that each shard takes
	recordSize   = 600
	aggregate    = 50 << 10
	leaseRow     = 500.0 // bytes, about
	largeTable   = 500   // rows from which a table is read in parts
	tableParts   = 64
	partWatchers = 2
)

// The calls of a worker, and of a lease, in a second: those that TestTheCallsOfAFleetAreThoseOfTheSums counts.
const (
	callsBeat     = 0.2
	callsQuery    = 2.0
	callsCheck    = 0.25
	callsScan     = 0.5
	callsLease    = 0.3 // busy or not
	seriesOfAll   = 40
	seriesOfShard = 10
	putsAMonth    = hours * 60 // of one process
)

type bill struct {
	shards, workers                      float64
	stream, units, plainUnits, fanOut    float64
	onDemand, table, metrics, shardAlarm float64
}

func reckon(shards, workers float64) bill {
	gib := shards * load * seconds / (1 << 30)
	b := bill{shards: shards, workers: workers}
	b.stream = shards * shardHour * hours
	b.units = shards * load / aggregate * math.Ceil(aggregate/(25<<10)) * seconds * putUnit
	b.plainUnits = shards * load / recordSize * seconds * putUnit
	b.fanOut = shards*fanOutHour*hours + gib*fanOutGiB
	b.onDemand = onDemandHour*hours + gib*(onDemandIn+onDemandOut)
	b.table = (shards*callsLease+workers*callsBeat)*seconds*dynamoWrite + b.tableReads()*seconds*dynamoRead
	b.metrics = series(seriesOfAll) + workers*putsAMonth*metricRequests
	b.shardAlarm = series(seriesOfAll+shards*seriesOfShard) - series(seriesOfAll)
	return b
}

// tableReads is the read units of the lease table in a second.
func (b bill) tableReads() float64 {
	each := callsQuery*0.5 + callsCheck
	if b.shards < largeTable {
		return b.workers * (each + callsScan*0.5*math.Ceil(b.shards*leaseRow/4096))
	}
	return b.workers*each + partWatchers*callsScan*tableParts*0.5*math.Ceil(b.shards*leaseRow/tableParts/4096)
}

func series(n float64) float64 {
	return min(n, 10_000)*metricMonth + max(n-10_000, 0)*metricMonth2
}

// rows are the lines of the page's table.
func rows() (lines []string) {
	bills := []bill{reckon(10, 2), reckon(100, 10), reckon(1000, 50)}
	for _, of := range []struct {
		what string
		cost func(bill) float64
	}{
		{"shards, provisioned", func(b bill) float64 { return b.stream }},
		{"put units, records of 600 bytes in aggregates of 50 KiB", func(b bill) float64 { return b.units }},
		{"put units, the same records on their own", func(b bill) float64 { return b.plainUnits }},
		{"enhanced fan-out, one application", func(b bill) float64 { return b.fanOut }},
		{"lease table", func(b bill) float64 { return b.table }},
		{"CloudWatch, by application and stream", func(b bill) float64 { return b.metrics }},
		{"CloudWatch, by shard besides", func(b bill) float64 { return b.shardAlarm }},
		{"**polling fleet**: shards, aggregates, table, CloudWatch", func(b bill) float64 { return b.stream + b.units + b.table + b.metrics }},
		{"**fan-out fleet**: the same with fan-out", func(b bill) float64 { return b.stream + b.units + b.table + b.metrics + b.fanOut }},
		{"on-demand in place of shards and put units, one reader", func(b bill) float64 { return b.onDemand }},
	} {
		line := "| " + of.what
		for _, b := range bills {
			line += fmt.Sprintf(" | %s", dollars(of.cost(b)))
		}
		lines = append(lines, line+" |")
	}
	return lines
}

func dollars(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.2f", v)
	}
	whole := fmt.Sprintf("%.0f", v)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

func TestTheSumsOnTheCapacityPageAddUp(t *testing.T) {
	page, err := os.ReadFile("../docs/capacity.md")
	must(t, err)
	for _, line := range rows() {
		if !strings.Contains(string(page), line+"\n") {
			t.Errorf("docs/capacity.md lacks\n%s", line)
		}
	}
}

// What the table costs is the calls that are made. They are counted, of two workers with a shard each, for five minutes.
func TestTheCallsOfAFleetAreThoseOfTheSums(t *testing.T) {
	for _, busy := range []bool{false, true} {
		counted := make(map[string]float64)
		inAccount(t, func(a *account) {
			f := &fleet{a: a}
			f.start(func(*consumer.Config) {})
			f.start(func(*consumer.Config) {})
			time.Sleep(time.Minute)
			began := time.Now()
			for range 100 {
				if busy {
					a.produce(20)
				}
				time.Sleep(3 * time.Second)
			}
			took := time.Since(began).Seconds()
			for _, call := range a.srv.Calls() {
				if call.Caller == "consumer" && call.At.After(began) {
					counted[call.Action] += 1 / took
				}
			}
			f.end()
		})
		for action, want := range map[string]float64{
			"dynamodb:UpdateItem": 2*callsLease + 2*callsBeat, "dynamodb:Query": 2 * callsQuery, "dynamodb:GetItem": 2 * callsCheck, "dynamodb:Scan": 2 * callsScan,
		} {
			if got := counted[action]; got < 0.9*want || got > 1.1*want {
				t.Errorf("busy %v: %s %.2f times a second, and the sums have %.2f", busy, action, got, want)
			}
		}
	}
}

// Whoever reads again does so as another application, from a time.
func TestAStreamIsReadAgainFromATime(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		inAccount(t, func(a *account) {
			first := &fleet{a: a}
			first.start(func(*consumer.Config) {})
			a.produce(30)
			time.Sleep(10 * time.Minute)
			again := time.Now()
			time.Sleep(time.Minute)
			a.produce(20)
			time.Sleep(10 * time.Minute)
			first.end()
			if got := a.handled.Swap(0); got != 50 {
				t.Errorf("%d of 50 records handled at first", got)
			}
			replay := &fleet{a: a}
			replay.start(func(cfg *consumer.Config) {
				cfg.Application = application + "-again"
				cfg.Streams[0].Start, cfg.Streams[0].FanOut = consumer.At(again), fanOut
			})
			time.Sleep(time.Minute)
			replay.end()
			if got := a.handled.Load(); got != 20 {
				t.Errorf("%d records since then handled again, of 20", got)
			}
		})
	}
}
