package consumer

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
)

// unpacking returns an unpacker by itself, for a shard of the lower half of the hash space.
func unpacking(t testing.TB, cfg Config, from checkpoint.Position) *unpacker {
	t.Helper()
	half := hashkey.Key{Hi: 1<<63 - 1, Lo: 1<<64 - 1}
	shard := Shard{ID: "s", StartingHashKey: "0", EndingHashKey: half.String()}
	r := &reader{c: &Consumer{cfg: cfg.withDefaults(), budget: newBudget(1)}, log: zap.NewNop(), shard: shard}
	r.shape = r.c.cfg.shapeOf(nil)
	r.unpack = newUnpacker(r, from)
	return r.unpack
}

// withoutLanes returns a collector for one lane of which the test is the handler.
func withoutLanes(u *unpacker) *collector {
	return &collector{r: u.r, lanes: []*lane{{give: make(chan *parcel, 1)}}, limit: u.r.shape.inAir()}
}

// each gives f the batches of a page.
func (c *collector) each(records []types.Record, f func(batch []Record)) {
	c.load(page{records: records}, true)
	for l := c.lanes[0]; ; c.took(l) {
		c.deal()
		c.handOut()
		if l.busy == nil {
			return
		}
		f((<-l.give).records)
	}
}

// aggregate returns a Kinesis record with a member for each text.
func aggregate(t *testing.T, number string, texts ...string) types.Record {
	t.Helper()
	var e aggregation.Encoder
	for _, text := range texts {
		if err := e.Add("key", "", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	return plain(number, string(e.AppendTo(nil)))
}

func plain(number, data string) types.Record {
	return types.Record{SequenceNumber: &number, PartitionKey: aws.String("key"), Data: []byte(data)}
}

// batches cuts a page up and shows each batch as the texts in it.
func batches(u *unpacker, page ...types.Record) (all []string) {
	withoutLanes(u).each(page, func(batch []Record) {
		var texts []string
		for _, r := range batch {
			texts = append(texts, string(r.Data))
		}
		all = append(all, strings.Join(texts, " "))
	})
	return all
}

func at(t *testing.T, number string, sub int64) checkpoint.Position {
	t.Helper()
	p, err := checkpoint.At(number, sub)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBatchesEndAtTheirLimits(t *testing.T) {
	page := []types.Record{plain("1", "a"), aggregate(t, "2", "b", "c", "d"), plain("3", "e"), plain("4", strings.Repeat("x", 50)), plain("5", "f")}
	big := strings.Repeat("x", 50)
	for name, test := range map[string]struct {
		cfg  Config
		want []string
	}{
		"records":    {Config{MaxBatchRecords: 2}, []string{"a b", "c d", "e " + big, "f"}},
		"bytes":      {Config{MaxBatchBytes: 8}, []string{"a b", "c d", "e", big, "f"}}, // each has a key of three
		"no limit":   {Config{}, []string{"a b c d e " + big + " f"}},
		"one record": {Config{MaxBatchRecords: 1}, []string{"a", "b", "c", "d", "e", big, "f"}},
	} {
		if got := batches(unpacking(t, test.cfg, checkpoint.TrimHorizon), page...); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestWhatThePositionCoversIsLeftOut(t *testing.T) {
	page := []types.Record{plain("9", "a"), aggregate(t, "10", "b", "c", "d"), plain("11", "e")}
	for _, test := range []struct {
		from checkpoint.Position
		want string
	}{
		{checkpoint.TrimHorizon, "a b c d e"}, {checkpoint.Latest, "a b c d e"}, {at(t, "9", checkpoint.Inclusive), "a b c d e"},
		{at(t, "9", 0), "b c d e"}, {at(t, "10", checkpoint.Inclusive), "b c d e"}, {at(t, "10", 0), "c d e"}, {at(t, "10", 1), "d e"},
		{at(t, "10", 2), "e"}, {at(t, "10", 99), "e"}, {at(t, "11", 0), ""}, {at(t, "100", 0), ""},
	} {
		got := batches(unpacking(t, Config{}, test.from), page...)
		if strings.Join(got, "|") != test.want {
			t.Errorf("from %v: %q, want %q", test.from, got, test.want)
		}
	}
}

func TestPagesThatOverlapAreDeliveredOnce(t *testing.T) {
	u := unpacking(t, Config{MaxBatchRecords: 2}, checkpoint.TrimHorizon)
	first := []types.Record{plain("1", "a"), aggregate(t, "2", "b", "c")}
	got := batches(u, first...)
	got = append(got, batches(u)...)
	got = append(got, batches(u, append(first, plain("3", "d"))...)...)
	if want := []string{"a b", "c", "d"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRecordsThatAPageHasTwiceAreDeliveredOnce(t *testing.T) {
	twice := []types.Record{plain("0", "a"), plain("0", "a"), aggregate(t, "1", "b", "c"), aggregate(t, "1", "b", "c"), plain("2", "d"), plain("02", "d")}
	for _, raw := range []bool{false, true} {
		u := unpacking(t, Config{MaxBatchRecords: 1}, checkpoint.TrimHorizon)
		u.raw = raw
		want := []string{"a", "b", "c", "d"}
		if raw {
			want = []string{"a", string(twice[2].Data), "d"}
		}
		if got := batches(u, twice...); !slices.Equal(got, want) {
			t.Errorf("raw=%v: %q, want %q", raw, got, want)
		}
	}
}

func TestAPageThatCannotBeDealtOutIsGivenUpWithTheLease(t *testing.T) {
	r := unpacking(t, Config{Concurrency: laneCount}, checkpoint.TrimHorizon).r
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	r.reading, r.progress = ctx, newProgress(r, checkpoint.TrimHorizon)
	r.progress.begin(at(t, "5", 0), laneCount, 1000) // the tracker takes no record before that
	pages := make(chan page, 1)
	pages <- page{records: []types.Record{plain("1", "a")}}
	if _, err := newCollector(r).run(pages); !errors.Is(err, errGivenUp) {
		t.Errorf("the collector ended with %v", err)
	}
}

func TestNothingOfAPageIsKeptWhenItIsDone(t *testing.T) {
	u := unpacking(t, Config{MaxBatchBytes: 4}, checkpoint.TrimHorizon)
	c := withoutLanes(u)
	c.each([]types.Record{plain("1", "aa"), aggregate(t, "2", "bb", "cc"), plain("3", "dd")}, func([]Record) {})
	if u.page != nil || u.outer.Data != nil || u.members.Len() > 0 || c.next.Data != nil || c.from != nil {
		t.Errorf("still there: %+v, %+v", u, c)
	}
	c.each([]types.Record{plain("4", "e")}, func(batch []Record) {
		for _, r := range batch[1:cap(batch)] {
			if r.Data != nil || r.SequenceNumber != "" {
				t.Errorf("still there: %+v", r)
			}
		}
	})
}

func TestMalformedAggregateIsDeliveredWholeAndReported(t *testing.T) {
	sealed := func(body string) string {
		sum := md5.Sum([]byte(body))
		return aggregation.Magic + body + string(sum[:])
	}
	broken := sealed("\x1a\xff")           // a record that is longer than the message
	empty := sealed("\x0a\x01k")           // a key and no record
	magic := aggregation.Magic + "no more" // begins like one, and is none
	var told []*AggregateError
	u := unpacking(t, Config{Hooks: Hooks{MalformedAggregate: func(err *AggregateError) { told = append(told, err) }}}, checkpoint.TrimHorizon)
	got := batches(u, plain("1", "a"), plain("2", broken), plain("3", empty), plain("4", magic), plain("5", "b"))
	if want := "a " + broken + " " + empty + " " + magic + " b"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
	if len(told) != 2 || told[0].SequenceNumber != "2" || told[1].SequenceNumber != "3" {
		t.Fatalf("told %v", told)
	}
	if !errors.Is(told[0], ErrAggregate) || !errors.Is(told[0], aggregation.ErrMalformed) || !errors.Is(told[1], aggregation.ErrEmpty) {
		t.Errorf("told %v", told)
	}
}

func TestMembersOutsideTheShardAreDeliveredAndCounted(t *testing.T) {
	var e aggregation.Encoder
	inside, outside := "0", hashkey.Max.String()
	for _, hash := range []string{inside, outside, inside, outside} {
		if err := e.Add("key", hash, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	counted := 0
	u := unpacking(t, Config{Hooks: Hooks{OutsideShard: func(_ Shard, n int) { counted += n }}}, checkpoint.TrimHorizon)
	if got := batches(u, plain("1", string(e.AppendTo(nil)))); strings.Join(got, "|") != strings.TrimSpace(strings.Repeat("x ", 4)) {
		t.Errorf("delivered %q", got)
	}
	if counted != 2 {
		t.Errorf("%d counted", counted)
	}
}

func TestMembersOutsideTheShardAreDroppedIfAskedForAndCounted(t *testing.T) {
	var e aggregation.Encoder
	for i, hash := range []string{"0", hashkey.Max.String(), "0", hashkey.Max.String()} {
		if err := e.Add("key", hash, []byte{byte('a' + i)}); err != nil {
			t.Fatal(err)
		}
	}
	counted := 0
	cfg := Config{DropOutsideShard: true, Hooks: Hooks{OutsideShard: func(_ Shard, n int) { counted += n }}}
	u := unpacking(t, cfg, checkpoint.TrimHorizon)
	if got := batches(u, plain("1", string(e.AppendTo(nil))), plain("2", "z")); strings.Join(got, "|") != "a c z" || counted != 2 {
		t.Errorf("delivered %q, counted %d", got, counted)
	}
}

func TestRecordsWithoutAPartitionKeyAreDelivered(t *testing.T) {
	u := unpacking(t, Config{}, checkpoint.TrimHorizon)
	withoutLanes(u).each([]types.Record{{SequenceNumber: aws.String("1"), Data: []byte("a")}}, func(batch []Record) {
		if len(batch) != 1 || batch[0].PartitionKey != "" || batch[0].Aggregated {
			t.Errorf("%+v", batch)
		}
	})
}

// bigPage is a page of ten aggregates of a hundred members each.
func bigPage(tb testing.TB) []types.Record {
	tb.Helper()
	var e aggregation.Encoder
	page := make([]types.Record, 10)
	for i := range page {
		e.Reset()
		for n := range 100 {
			if err := e.Add(fmt.Sprintf("key-%d", n%10), "", make([]byte, 100)); err != nil {
				tb.Fatal(err)
			}
		}
		page[i] = plain(fmt.Sprint(100+i), string(e.AppendTo(nil)))
	}
	return page
}

func TestUnpackingAllocatesForPagesAndAggregatesAndNotForMembers(t *testing.T) {
	page := bigPage(t)
	u := unpacking(t, Config{}, checkpoint.TrimHorizon)
	c := withoutLanes(u)
	run := func() {
		u.through = checkpoint.TrimHorizon
		c.each(page, func([]Record) {})
	}
	run()
	// One for the keys of each aggregate, and a few for the page; the sequence numbers need no copy.
	if got := testing.AllocsPerRun(20, run); got > float64(len(page)+8) {
		t.Errorf("%v allocations for %d members in %d aggregates", got, 1000, len(page))
	}
}

func BenchmarkUnpack(b *testing.B) {
	page := bigPage(b)
	u := unpacking(b, Config{}, checkpoint.TrimHorizon)
	c := withoutLanes(u)
	b.ReportAllocs()
	for b.Loop() {
		u.through = checkpoint.TrimHorizon
		c.each(page, func([]Record) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
