package leases_test

import (
	"slices"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
)

// listing is a stream that was split and merged: 0 and 1 merged into 6, 2 and 3 into 7, 6 and 7 into 8; 5 split into 9 and 10; 4 is
// as it was.
func listing() []shards.Shard {
	shard := func(id string, closed bool, parents ...string) shards.Shard {
		return shards.Shard{ID: id, Parents: parents, Range: hashkey.Full, Closed: closed}
	}
	return []shards.Shard{
		shard("0", true), shard("1", true), shard("2", true), shard("3", true), shard("4", false), shard("5", true),
		shard("6", true, "0", "1"), shard("7", true, "2", "3"), shard("8", false, "6", "7"), shard("9", false, "5"), shard("10", false, "5"),
	}
}

func keysOf(rows []leases.Lease) []string {
	var keys []string
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	slices.Sort(keys)
	return keys
}

func leased(ids ...string) leases.Snapshot {
	var s leases.Snapshot
	for _, id := range ids {
		s.Leases = append(s.Leases, leases.Lease{Key: id, ShardID: id})
	}
	return s
}

// leasedSince is leased for a stream that was first read at its tip.
func leasedSince(ids ...string) leases.Snapshot {
	s := leased(ids...)
	s.Leases[0].StartAt = time.UnixMilli(1_700_000_000_000)
	return s
}

// damaged adds leases that cannot be read.
func damaged(s leases.Snapshot, keys ...string) leases.Snapshot {
	for _, key := range keys {
		s.Damaged = append(s.Damaged, leases.DamagedError{Key: key})
	}
	return s
}

func TestMissing(t *testing.T) {
	open := func() []shards.Shard { return shards.Open(listing()) } // what a filtered listing returns
	none := leases.Snapshot{}
	cases := map[string]struct {
		listed   []shards.Shard
		existing leases.Snapshot
		from     checkpoint.Position
		want     []string
	}{
		"first, from the beginning":               {listing(), none, checkpoint.TrimHorizon, []string{"0", "1", "2", "3", "4", "5"}},
		"first, at latest":                        {listing(), none, checkpoint.Latest, []string{"10", "4", "8", "9"}},
		"first, at latest, filtered":              {open(), none, checkpoint.Latest, []string{"10", "4", "8", "9"}},
		"first, at a time, filtered":              {open(), none, checkpoint.AtTimestamp, []string{"10", "4", "8", "9"}},
		"interrupted":                             {listing(), leased("0", "4"), checkpoint.TrimHorizon, []string{"1", "2", "3", "5"}},
		"all there":                               {listing(), leased("0", "1", "2", "3", "4", "5"), checkpoint.TrimHorizon, nil},
		"read and cleaned up":                     {listing(), leased("8", "4", "9", "10"), checkpoint.TrimHorizon, nil},
		"one branch read and cleaned up":          {listing(), leased("7", "4", "5"), checkpoint.TrimHorizon, []string{"0", "1"}},
		"at latest, ancestors are being read":     {listing(), leasedSince("2", "4", "5"), checkpoint.Latest, nil},
		"at latest, a branch was never there":     {listing(), leasedSince("4", "5"), checkpoint.Latest, []string{"8"}},
		"at latest, and no lease says since when": {listing(), leased("4", "5"), checkpoint.Latest, []string{"0", "1", "2", "3"}},
		"at latest, a child's lease is missing":   {listing(), leased("8", "4", "9"), checkpoint.Latest, nil}, // the audit finds it
		"at latest, an ancestor's cannot be read": {listing(), damaged(leasedSince("4", "5"), "2"), checkpoint.Latest, nil},
		"at latest, none can be read":             {listing(), damaged(none, "4", "5", "8"), checkpoint.Latest, nil},
		"at latest, another stream's cannot":      {listing()[4:5], damaged(none, "a:b:1:4"), checkpoint.Latest, []string{"4"}},
		"a root's cannot be read":                 {listing(), damaged(leased("7", "4"), "0", "5"), checkpoint.TrimHorizon, []string{"1"}},
		"oldest shards have left the retention":   {listing()[6:], none, checkpoint.TrimHorizon, []string{"10", "6", "7", "9"}},
		"nothing listed":                          {nil, none, checkpoint.Latest, nil},
	}
	for name, c := range cases {
		if got := keysOf(leases.Missing(c.listed, c.existing, "", leases.Start{Position: c.from})); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestMissingRowsAreCompleteAndStandWhereTheStreamStarts(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	stream := "123456789012:orders:1700000000"
	start := leases.Start{Position: checkpoint.Latest, At: at}
	rows := leases.Missing(listing(), leases.Snapshot{}, stream, start)
	if !slices.ContainsFunc(rows, func(row leases.Lease) bool { return row.ShardID == "8" }) {
		t.Fatalf("missing: %v", keysOf(rows))
	}
	for _, row := range rows {
		if row.Key != stream+":"+row.ShardID || row.Stream != stream || row.Checkpoint != checkpoint.Latest || !row.StartAt.Equal(at) ||
			row.EndingHashKey != hashkey.Max.String() || row.StartingHashKey != "0" || row.Counter != 0 || row.Owner != "" {
			t.Errorf("%+v", row)
		}
		if row.ShardID == "8" && !slices.Equal(row.Parents, []string{"6", "7"}) {
			t.Errorf("parents of 8: %v", row.Parents)
		}
	}
	start.Position = checkpoint.TrimHorizon
	rows = leases.Missing(listing(), leases.Snapshot{}, stream, start)
	if len(rows) == 0 {
		t.Error("nothing is missing at TRIM_HORIZON")
	}
	for _, row := range rows {
		if !row.StartAt.IsZero() {
			t.Errorf("a row at TRIM_HORIZON has a time: %+v", row)
		}
	}
}

func TestLeasesOfOtherStreamsDoNotCount(t *testing.T) {
	other := leases.Lease{Key: "a:b:1:4", Stream: "a:b:1", ShardID: "4"}
	got := keysOf(leases.Missing(listing(), leases.Snapshot{Leases: []leases.Lease{other}}, "a:c:1", leases.Start{Position: checkpoint.Latest}))
	if !slices.Contains(got, "a:c:1:4") {
		t.Errorf("missing: %v", got)
	}
}

// What arrived between an interrupted first synchronisation and the one that completes it must be read too.
func TestALaterSynchronisationUsesTheFirstOnesTime(t *testing.T) {
	first := time.UnixMilli(1_700_000_000_000)
	existing := leases.Snapshot{Leases: []leases.Lease{{Key: "4", ShardID: "4", Checkpoint: checkpoint.Latest, StartAt: first}}}
	start := leases.Start{Position: checkpoint.Latest, At: first.Add(time.Hour)}
	rows := leases.Missing(listing(), existing, "", start)
	if len(rows) == 0 {
		t.Error("nothing is missing")
	}
	for _, row := range rows {
		if !row.StartAt.Equal(first) {
			t.Errorf("%s starts at %v", row.Key, row.StartAt)
		}
	}
}

// LATEST was when the application first came to the stream, or to an earlier one of its name: what came in since is read.
func TestLatestIsTheBeginningWhereLeasesTellThatItIsLongPast(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_000)
	child := leases.Lease{Key: "1", ShardID: "1", Checkpoint: checkpoint.TrimHorizon, Parents: []string{"0"}}
	java := leases.Lease{Key: "4", ShardID: "4", Checkpoint: checkpoint.Latest} // whose first start may be under way
	earlier := leases.Lease{Key: "a:b:1:4", Stream: "a:b:1", ShardID: "4", Checkpoint: checkpoint.Latest, StartAt: at}
	for name, c := range map[string]struct {
		row    leases.Lease
		stream string
		want   checkpoint.Position
	}{
		"of a child":                   {child, "", checkpoint.TrimHorizon},
		"of a Java worker, at LATEST":  {java, "", checkpoint.Latest},
		"of an earlier stream":         {earlier, "a:b:2", checkpoint.TrimHorizon},
		"of a stream of other name":    {earlier, "a:c:2", checkpoint.Latest},
		"of an application of several": {earlier, "", checkpoint.Latest},
	} {
		rows := leases.Missing(listing(), leases.Snapshot{Leases: []leases.Lease{c.row}}, c.stream, leases.Start{Position: checkpoint.Latest, At: at})
		if len(rows) == 0 {
			t.Errorf("a lease %s: nothing is missing", name)
		}
		for _, row := range rows {
			if row.Checkpoint != c.want || row.StartAt.IsZero() != (c.want == checkpoint.TrimHorizon) {
				t.Errorf("a lease %s: %+v", name, row)
			}
		}
	}
}

func TestAListingThatRunsInCirclesEnds(t *testing.T) {
	circle := []shards.Shard{{ID: "a", Parents: []string{"b"}}, {ID: "b", Parents: []string{"a"}}, {ID: "c"}}
	for _, from := range []checkpoint.Position{checkpoint.TrimHorizon, checkpoint.Latest} {
		if got := keysOf(leases.Missing(circle, leases.Snapshot{}, "", leases.Start{Position: from})); !slices.Contains(got, "c") {
			t.Errorf("from %v: %v", from, got)
		}
	}
}
