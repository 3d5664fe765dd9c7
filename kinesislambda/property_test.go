package kinesislambda

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// moody is a function that fails in every way there is, at random, and always with poison. It keeps an account of what it has done.
type moody struct {
	mu      sync.Mutex
	random  *rand.Rand
	sink    *sink
	reports bool // its answers are looked at
	done    map[string]bool
	settled map[string]bool  // done, or known to the destination
	order   map[string][]int // of each key, the numbers of the records, in the order in which they were settled first
}

func (f *moody) call(ctx context.Context, e events.KinesisEvent) (r events.KinesisEventResponse, err error) {
	f.mu.Lock()
	mood := f.random.IntN(12)
	at := f.random.IntN(len(e.Records))
	f.mu.Unlock()
	bad := -1
	for i, record := range e.Records {
		if strings.Contains(string(record.Kinesis.Data), "poison") {
			bad = i
			break
		}
	}
	switch {
	case mood == 0:
		return r, errBad
	case mood == 1:
		panic("in a mood")
	case mood == 2:
		<-ctx.Done()
		return r, ctx.Err()
	case mood == 3:
		return events.KinesisEventResponse{BatchItemFailures: []events.KinesisBatchItemFailure{{}}}, f.did(e.Records, !f.reports && bad < 0)
	case bad >= 0 && !f.reports:
		return r, errBad
	case bad < 0 && mood < 6:
		bad = at
	}
	if bad >= 0 && f.reports {
		r.BatchItemFailures = []events.KinesisBatchItemFailure{{ItemIdentifier: e.Records[bad].Kinesis.SequenceNumber}}
		return r, f.did(e.Records[:bad], true)
	}
	return r, f.did(e.Records, true)
}

// did notes records that count as done once the call has returned.
func (f *moody) did(records []events.KinesisEventRecord, count bool) error {
	if !count && !f.reports {
		return errBad
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !count {
		return nil
	}
	for i := range records {
		f.done[records[i].Kinesis.SequenceNumber] = true
	}
	return f.settle(records)
}

// settle notes that records have found their end. It is called with the lock held.
func (f *moody) settle(records []events.KinesisEventRecord) error {
	for i := range records {
		k := &records[i].Kinesis
		var n int
		if _, err := fmt.Sscanf(string(k.Data), `{"n":%d`, &n); err != nil {
			return err
		}
		if !f.settled[k.SequenceNumber] {
			f.settled[k.SequenceNumber] = true
			f.order[k.PartitionKey] = append(f.order[k.PartitionKey], n)
		}
	}
	return nil
}

// Deliver is the destination's: what it has been told of is settled.
func (f *moody) Deliver(ctx context.Context, r *InvocationRecord) error {
	if err := f.sink.Deliver(ctx, r); err != nil {
		return err
	}
	var e events.KinesisEvent
	if err := json.Unmarshal([]byte(r.Payload), &e); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settle(e.Records)
}

// Whatever the function does, and whenever its worker stops, each record is done, or is in a message that the destination has, or was
// filtered out; and the records of a key are done in order.
func TestNoRecordIsLostWhateverTheFunctionDoes(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(w *world) { w.survive(rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

// randomMapping is one that lets everything come to an end.
func (w *world) randomMapping(random *rand.Rand) Mapping {
	m := w.mapping()
	m.BatchSize = 1 + random.IntN(20)
	m.ParallelizationFactor = 1 + random.IntN(4)
	m.MaximumBatchingWindow = time.Duration(random.IntN(3)) * time.Second
	m.BisectBatchOnFunctionError = random.IntN(2) == 0
	m.ReportBatchItemFailures = random.IntN(2) == 0
	m.MaximumRetryAttempts = 1 + random.IntN(4)
	m.MaximumRecordAge = time.Hour
	m.DiscardOnExhaustion = true // a destination comes before it
	m.Timeout = time.Second
	if random.IntN(2) == 0 {
		m.FilterCriteria.Filters = []Filter{{`{"data":{"keep":[true]}}`}}
	}
	w.sink.fails = random.IntN(5)
	return m
}

func (w *world) survive(random *rand.Rand) {
	m := w.randomMapping(random)
	f := &moody{
		random: rand.New(rand.NewPCG(random.Uint64(), 1)), sink: w.sink, reports: m.ReportBatchItemFailures,
		done: make(map[string]bool), settled: make(map[string]bool), order: make(map[string][]int),
	}
	m.OnFailure = f
	needed := make(map[string]string)
	last := ""
	for n := range 120 {
		kind := []string{"plain", "plain", "plain", "plain", "poison"}[random.IntN(5)]
		keep := random.IntN(3) > 0
		text := fmt.Sprintf(`{"n":%d,"keep":%v,"kind":%q}`, n, keep, kind)
		last = w.putData(fmt.Sprintf("key-%d", random.IntN(6)), []byte(text))
		if keep || len(m.FilterCriteria.Filters) == 0 {
			needed[last] = text
		}
	}
	for range 4 { // workers that stop in the middle
		stop := w.start(handler(w, f.call, m))
		time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
		stop()
	}
	stop := w.start(handler(w, f.call, m))
	w.awaitDone(last)
	stop()
	w.verifyNothingLost(f, needed)
}

func (w *world) verifyNothingLost(f *moody, needed map[string]string) {
	w.Helper()
	told := make(map[string]bool)
	for _, r := range w.sink.messages() {
		var e events.KinesisEvent
		w.must(json.Unmarshal([]byte(r.Payload), &e))
		if info := r.KinesisBatchInfo; len(e.Records) != info.BatchSize || e.Records[0].Kinesis.SequenceNumber != info.StartSequenceNumber {
			w.Errorf("the message says %+v and has %d records", info, len(e.Records))
		}
		for _, record := range e.Records {
			told[record.Kinesis.SequenceNumber] = true
		}
	}
	for number, text := range needed {
		if !f.done[number] && !told[number] {
			w.Errorf("lost: %s", text)
		}
		if strings.Contains(text, "poison") && f.done[number] {
			w.Errorf("done: %s", text)
		}
	}
	for key, numbers := range f.order {
		for i := 1; i < len(numbers); i++ {
			if numbers[i] < numbers[i-1] {
				w.Errorf("%s: record %d was settled before %d", key, numbers[i-1], numbers[i])
			}
		}
	}
	if w.tally.of("dropped") > 0 {
		w.Errorf("%d records were dropped", w.tally.of("dropped"))
	}
}

// ledger is a function with a tumbling window that keeps the numbers of all records in its state, and fails at random.
type ledger struct {
	mu     sync.Mutex
	random *rand.Rand
	closed []string // what each last call that succeeded was about
}

func (l *ledger) call(_ context.Context, e WindowEvent) (r WindowResponse, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mood := l.random.IntN(8)
	switch {
	case mood == 0:
		return r, errBad
	case mood == 1:
		panic("in a mood")
	case mood == 2:
		return r, nil // without a state
	}
	state := string(e.State["all"])
	records := e.Records
	if mood == 3 && len(records) > 1 {
		at := l.random.IntN(len(records)-1) + 1
		r.BatchItemFailures = []events.KinesisBatchItemFailure{{ItemIdentifier: records[at].Kinesis.SequenceNumber}}
		records = records[:at]
	}
	for i := range records {
		state = strings.Trim(strings.Trim(state, `"`)+" "+string(records[i].Kinesis.Data), " ")
	}
	state = `"` + strings.Trim(state, `"`) + `"`
	r.State = State{"all": json.RawMessage(state)}
	if e.IsFinalInvokeForWindow {
		l.closed = append(l.closed, fmt.Sprintf("%d: %s", e.Window.Start.Unix(), strings.Trim(state, `"`)))
	}
	return r, nil
}

// Whatever the function does, and whenever its worker stops, each window is closed with all of its records, each once and in order.
func TestEachWindowIsClosedWithAllOfItsRecords(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, func(w *world) { w.surviveWindows(rand.New(rand.NewPCG(seed, 11))) })
		})
	}
}

func (w *world) surviveWindows(random *rand.Rand) {
	m := w.mapping()
	m.TumblingWindow = 10 * time.Second
	m.ReportBatchItemFailures = true
	m.BisectBatchOnFunctionError = random.IntN(2) == 0
	m.BatchSize = 1 + random.IntN(8)
	l := &ledger{random: rand.New(rand.NewPCG(random.Uint64(), 1))}
	windows := make(map[int64][]string)
	stop := w.start(handler(w, l.call, m))
	for n := range 80 {
		start := time.Now().Truncate(m.TumblingWindow).Unix()
		w.put(fmt.Sprint(n))
		windows[start] = append(windows[start], fmt.Sprint(n))
		time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
		if random.IntN(10) == 0 {
			stop()
			stop = w.start(handler(w, l.call, m))
		}
	}
	want := make(map[string]bool)
	for start, all := range windows {
		want[fmt.Sprintf("%d: %s", start, strings.Join(all, " "))] = true
	}
	w.await("all windows", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		seen := make(map[string]bool)
		for _, c := range l.closed {
			seen[c] = true
		}
		return len(seen) >= len(want)
	})
	stop()
	for _, c := range l.closed {
		if !want[c] {
			w.Errorf("closed with something else than its records: %s", c)
		}
	}
}
