package leases

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/shards"
)

// lineageOf reads "id[!] from-to [parent,parent]", ranges in sixteenths of the hash space; "!" marks a closed shard.
func lineageOf(t *testing.T, lines ...string) []shards.Shard {
	t.Helper()
	edge := func(digit string) uint64 { return uint64(strings.Index("0123456789abcdef", digit)) << 60 }
	var all []shards.Shard
	for _, line := range lines {
		words := strings.Fields(line)
		from, to, _ := strings.Cut(words[1], "-")
		id, closed := strings.CutSuffix(words[0], "!")
		s := shards.Shard{ID: id, Closed: closed, Range: hashkey.Range{
			Start: hashkey.Key{Hi: edge(from)}, End: hashkey.Key{Hi: edge(to) | (1<<60 - 1), Lo: ^uint64(0)},
		}}
		if len(words) > 2 {
			s.Parents = strings.Split(words[2], ",")
		}
		all = append(all, s)
	}
	return all
}

// rowsOf reads "id[=position]"; "!" stands for SHARD_END, and a number for a sequence number.
func rowsOf(t *testing.T, listed []shards.Shard, words string) Snapshot {
	t.Helper()
	var s Snapshot
	for _, word := range strings.Fields(words) {
		id, at, _ := strings.Cut(word, "=")
		if at == "broken" {
			s.Damaged = append(s.Damaged, DamagedError{Key: id})
			continue
		}
		l := Lease{Key: id, ShardID: id}
		for _, shard := range listed {
			if shard.ID == id {
				l.Parents = shard.Parents
			}
		}
		switch at {
		case "":
		case "!":
			l.Checkpoint = checkpoint.ShardEnd
		case "latest":
			l.Checkpoint, l.StartAt = checkpoint.Latest, time.UnixMilli(1000)
		case "timestamp":
			l.Checkpoint = checkpoint.AtTimestamp
		default:
			p, err := checkpoint.At(at, 0)
			if err != nil {
				t.Fatal(err)
			}
			l.Checkpoint = p
		}
		s.Leases = append(s.Leases, l)
	}
	return s
}

func told(rows []Lease) string {
	var words []string
	for _, row := range rows {
		words = append(words, row.ShardID+"@"+row.Checkpoint.Text())
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestHoles(t *testing.T) {
	split := lineageOf(t, "p! 0-f", "a 0-7 p", "b 8-f p")
	deep := lineageOf(t, "p! 0-f", "a! 0-7 p", "b 8-f p", "c 0-3 a", "d 4-7 a")
	merge := lineageOf(t, "a! 0-7", "b! 8-f", "m 0-f a,b")
	trim, latest := Start{Position: checkpoint.TrimHorizon}, Start{Position: checkpoint.Latest}
	past := Start{Position: checkpoint.AtTimestamp, At: time.UnixMilli(5)}
	for name, c := range map[string]struct {
		listed []shards.Shard
		rows   string
		start  Start
		want   string
	}{
		"nothing is missing":                             {split, "p=! a b=7", trim, ""},
		"a child of an ended parent":                     {split, "p=! a", trim, "b@TRIM_HORIZON"},
		"the same in an application that began later":    {split, "p=! a", latest, "b@TRIM_HORIZON"},
		"a sibling tells that the parent was read":       {split, "a=7", latest, "b@TRIM_HORIZON"},
		"a parent that is being read brings them forth":  {split, "p=7", trim, ""},
		"a parent that cannot be read may be, too":       {split, "p=broken", trim, ""},
		"a row that cannot be read is there":             {split, "p=! a b=broken", trim, ""},
		"cleaned up: the children cover it":              {split, "a=7 b=7", trim, ""},
		"cleaned up: later generations cover it":         {deep, "b=7 c d=!", trim, ""},
		"two generations, one branch lost":               {deep, "b=7 c", trim, "d@TRIM_HORIZON"},
		"the eldest alone, the rest comes by itself":     {deep, "", trim, "p@TRIM_HORIZON"},
		"where nothing is known, from the user's time":   {deep, "", past, "p@AT_TIMESTAMP"},
		"an ended grandparent, a parent lost":            {deep, "p=! b=7", trim, "a@TRIM_HORIZON"},
		"a parent lost though its children are read":     {deep, "p=! b=7 c=7 d=7", trim, "a@TRIM_HORIZON"},
		"a merged shard whose parents have both ended":   {merge, "a=! b=!", trim, "m@TRIM_HORIZON"},
		"one of them is being read":                      {merge, "a=! b=7", trim, ""},
		"one of them is lost":                            {merge, "a=7", trim, "b@TRIM_HORIZON"},
		"from LATEST, what ended before is not missing":  {lineageOf(t, "x! 0-7", "p 0-7 x", "b 8-f"), "p=latest b=latest", latest, ""},
		"from LATEST, an open shard without relations":   {lineageOf(t, "a 0-7", "b 8-f"), "a=latest", latest, "b@LATEST"},
		"never at a LATEST that does not say since when": {lineageOf(t, "a 0-7", "b 8-f"), "a=7", latest, "b@TRIM_HORIZON"},
	} {
		t.Run(name, func(t *testing.T) {
			census := newCensus(Listing{Shards: c.listed, Start: c.start}, rowsOf(t, c.listed, c.rows))
			found := census.holes()
			if got := told(found); got != c.want {
				t.Errorf("holes %q, want %q", got, c.want)
			}
			for _, row := range found {
				if row.Checkpoint == checkpoint.Latest && row.StartAt.IsZero() {
					t.Errorf("%s is at a bare LATEST", row.Key)
				}
				if row.Checkpoint == checkpoint.AtTimestamp && !row.StartAt.Equal(c.start.At) {
					t.Errorf("%s starts at %v", row.Key, row.StartAt)
				}
			}
		})
	}
}

func TestAListingThatWasTakenAcrossAReshardIsNotComplete(t *testing.T) {
	for name, c := range map[string]struct {
		listed []shards.Shard
		want   bool
	}{
		"whole":                     {lineageOf(t, "p! 0-f", "a 0-7 p", "b 8-f p"), true},
		"a child not listed yet":    {lineageOf(t, "p! 0-f", "a 0-7 p"), false},
		"a parent that looks open":  {lineageOf(t, "p 0-f", "a 0-7 p", "b 8-f p"), false},
		"an open child of an equal": {lineageOf(t, "p 0-7", "a 8-f p"), false},
		"nothing":                   {nil, false},
	} {
		if got := (Listing{Shards: c.listed}).complete(); got != c.want {
			t.Errorf("%s: complete is %v", name, got)
		}
	}
}

func TestSpentLeases(t *testing.T) {
	split := lineageOf(t, "p! 0-f", "a 0-7 p", "b 8-f p")
	deep := lineageOf(t, "p! 0-f", "a! 0-7 p", "b 8-f p", "c 0-3 a", "d 4-7 a")
	for name, c := range map[string]struct {
		listed []shards.Shard
		rows   string
		want   string
	}{
		"all children are being read":           {split, "p=! a=1 b=2", "p@SHARD_END"},
		"one has not begun":                     {split, "p=! a=1 b", ""},
		"one stands at a time":                  {split, "p=! a=1 b=timestamp", ""},
		"one is at LATEST, as it was made":      {split, "p=! a=1 b=latest", "p@SHARD_END"},
		"one has no lease":                      {split, "p=! a=1", ""},
		"the parent is being read":              {split, "p=7 a=1 b=1", ""},
		"eldest first":                          {deep, "p=! a=! b=1 c=1 d=1", "p@SHARD_END"},
		"then the next":                         {deep, "a=! b=1 c=1 d=1", "a@SHARD_END"},
		"expired, with children":                {lineageOf(t, "a 0-7 gone", "b 8-f gone"), "gone=! a b", "gone@SHARD_END"},
		"expired, and nothing known of it":      {lineageOf(t, "a 0-f"), "gone=! a", "gone@SHARD_END"},
		"expired, but not read to its end":      {lineageOf(t, "a 0-f"), "gone=7 a", ""},
		"no children, and it is listed: closed": {lineageOf(t, "p! 0-f"), "p=!", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := rowsOf(t, c.listed, c.rows)
			if got := told(newCensus(Listing{Shards: c.listed}, s).spent()); got != c.want {
				t.Errorf("spent %q, want %q", got, c.want)
			}
		})
	}
}

func TestALeaseThatSaysOfAnOpenShardThatItHasEndedIsOfAnotherStream(t *testing.T) {
	old := lineageOf(t, "a! 0-7", "b! 8-f", "c 0-3 a", "d 4-7 a", "e 8-f b")
	for name, c := range map[string]struct {
		listed []shards.Shard
		rows   string
		want   string
	}{
		"its own":                         {lineageOf(t, "a 0-7", "b 8-f"), "a=! b=7", "a@SHARD_END"},
		"its parent, and it is listed":    {lineageOf(t, "a 0-3", "b 4-7", "c 8-b", "d c-f"), "a b c=7 d", "c@7 d@TRIM_HORIZON"},
		"its parent, and it is not":       {lineageOf(t, "a 0-f"), "a c=7 d=! e=7", "c@7 d@SHARD_END"},
		"both":                            {lineageOf(t, "a 0-7", "c 8-f"), "c=!", "c@SHARD_END"},
		"its parent is closed":            {old, "a=! b=7 c=7 d", ""},
		"its parent has left the stream":  {old[2:], "c=7 d e", ""},
		"nothing is known of its parents": {lineageOf(t, "a 0-7", "b 8-f"), "a=7 b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows := rowsOf(t, slices.Concat(c.listed, old), c.rows) // their parents are those of the old stream
			if got := told(newCensus(Listing{Shards: c.listed}, rows).reborn()); got != c.want {
				t.Errorf("reborn %q, want %q", got, c.want)
			}
		})
	}
}
