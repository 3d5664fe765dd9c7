package leases

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/penstock-go/penstock/checkpoint"
)

var update = flag.Bool("update", false, "rewrite the answers of the planner's scripts")

// TestThePlannersScripts runs the scenes of testdata/balance. A scene is a comment, the worker who plans, a line for each lease, and
// the answer behind ">":
//
//	me <worker> [max <n>]                          who plans; a worker line may tell more of it
//	led                                            a Java worker leads
//	giving                                         the worker sees a part of the table, and acts for the others there
//	parted                                         each worker watches a part of the table; this one has just read all of it
//	worker <id> [leaving] [max=<n>] [cpu=<n>[/<n>]]   a worker that is known by its row; of its processor, what is used and what may be
//	<key> <owner>[<-<holder>] [idle] [overdue] [barred] [remote] [unaware] [recent] [held] [ended] [rate=<KiB/s>] [parents=<key>,…]
//	                                               "-": nobody's, which is idle
//	> [take <key>…] [shift <key>…] [offer <key> <worker>]… [give <key> <worker>]… [ask <key>…]
func TestThePlannersScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/balance/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	script := script{}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if !strings.HasPrefix(line, ">") {
			script.read(t, line)
			answers = append(answers, line)
			continue
		}
		got := script.answer()
		if got != strings.TrimSpace(line) && !*update {
			t.Errorf("%s:%d: got %q, want %q", file, i+1, got, line)
		}
		answers = append(answers, got)
		script = scriptStart(script)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(answers, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// script is one table and one worker who looks at it.
type script struct {
	me          string
	max         int
	rows        []standing
	members     map[string]bool
	leaving     map[string]bool
	caps        map[string]int
	cpu         map[string]usage
	led, giving bool
	partial     bool
}

// scriptStart returns an empty table with the same worker.
func scriptStart(s script) script { return script{me: s.me, max: s.max} }

func (s *script) read(t *testing.T, line string) {
	words := strings.Fields(line)
	switch {
	case len(words) == 0 || words[0] == "#":
	case words[0] == "me":
		s.me, s.max = words[1], 0
		if len(words) == 4 {
			if _, err := fmt.Sscan(words[3], &s.max); err != nil {
				t.Fatal(err)
			}
		}
	case words[0] == "led":
		s.led = true
	case words[0] == "giving":
		s.giving, s.partial = true, true
	case words[0] == "parted":
		s.giving = true
	case words[0] == "worker":
		s.worker(t, words[1], words[2:])
	default:
		s.rows = append(s.rows, row(t, words))
	}
}

// worker adds a worker that is known by its row.
func (s *script) worker(t *testing.T, id string, words []string) {
	if s.members == nil {
		s.members, s.leaving, s.caps, s.cpu = map[string]bool{s.me: true}, map[string]bool{}, map[string]int{}, map[string]usage{}
	}
	s.members[id] = true
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "max":
			s.caps[id] = int(parse(t, value))
		case "cpu":
			used, limit, _ := strings.Cut(value, "/")
			s.cpu[id] = usage{used: int(parse(t, used)), limit: int(parse(t, cmp.Or(limit, "100")))}
		case "leaving":
			s.leaving[id] = true
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
}

func parse(t *testing.T, text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func row(t *testing.T, words []string) standing {
	owner, holder, _ := strings.Cut(words[1], "<-")
	r := standing{Lease: Lease{Key: words[0], ShardID: words[0], Owner: strings.Trim(owner, "-"), CheckpointOwner: holder}}
	r.idle = r.Owner == ""
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "idle":
			r.idle = true
		case "overdue":
			r.overdue = true
		case "barred":
			r.barred = true
		case "remote":
			r.remote = true
		case "unaware":
			r.unaware = true
		case "recent":
			r.recent = true
		case "held":
			r.held = true
		case "rate":
			r.ThroughputKBps = parse(t, value)
		case "ended":
			r.Checkpoint = checkpoint.ShardEnd
		case "parents":
			r.Parents = strings.Split(value, ",")
		default:
			t.Fatalf("unknown word %q", word)
		}
	}
	return r
}

func (s *script) answer() string {
	plan := balance(scene{me: s.me, maxLeases: s.max, leases: s.rows, members: s.members, leaving: s.leaving, caps: s.caps, cpu: s.cpu, led: s.led, giving: s.giving, partial: s.partial})
	parts := []string{">"}
	for verb, rows := range map[string][]Lease{"take": plan.take, "ask": plan.ask, "shift": plan.shift} {
		if keys := keysIn(rows); len(keys) > 0 {
			slices.Sort(keys) // the order of takes is the worker's own
			parts = append(parts, verb+" "+strings.Join(keys, " "))
		}
	}
	for _, g := range plan.give {
		parts = append(parts, "give "+g.Key+" "+g.to)
	}
	for _, g := range plan.offer {
		parts = append(parts, "offer "+g.Key+" "+g.to)
	}
	slices.SortFunc(parts[1:], func(a, b string) int { return cmp.Compare(b, a) })
	return strings.Join(parts, " ")
}

func TestPlansConvergeToEvenSharesAndThenRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := []string{"a", "b", "c", "d", "e"}[:rapid.IntRange(1, 5).Draw(t, "workers")]
		rows := drawTable(t, workers)
		for round := 0; !settled(rows, workers); round++ {
			if round > 30 {
				t.Fatalf("not even after %d rounds: %v", round, count(rows, workers))
			}
			rows = everybodyActs(rows, workers)
		}
		for _, worker := range workers {
			if plan := balance(scene{me: worker, leases: rows}); len(plan.take)+len(plan.ask) > 0 {
				t.Fatalf("%s has plans although all is even: %+v", worker, plan)
			}
		}
	})
}

// drawTable returns a table in which every worker is known by something that it holds.
func drawTable(t *rapid.T, workers []string) []standing {
	var rows []standing
	for i, owner := range append(slices.Clone(workers), rapid.SliceOfN(rapid.SampledFrom(append([]string{""}, workers...)), 0, 40).Draw(t, "owners")...) {
		rows = append(rows, standing{Lease: Lease{Key: fmt.Sprintf("s%02d", i), Owner: owner}, idle: owner == ""})
	}
	return rows
}

// everybodyActs lets every worker plan from the same table, and carries the plans out: of two takes of one lease the first wins, and a
// handoff is done at once.
func everybodyActs(rows []standing, workers []string) []standing {
	next := slices.Clone(rows)
	for _, worker := range workers {
		plan := balance(scene{me: worker, leases: rows})
		for _, l := range slices.Concat(plan.take, plan.ask) {
			i := slices.IndexFunc(next, func(r standing) bool { return r.Key == l.Key })
			if next[i].Owner == l.Owner {
				next[i].Owner, next[i].idle = worker, false
			}
		}
	}
	return next
}

func count(rows []standing, workers []string) map[string]int {
	load := make(map[string]int)
	for _, worker := range workers {
		load[worker] = 0
	}
	for _, r := range rows {
		load[r.Owner]++
	}
	return load
}

func settled(rows []standing, workers []string) bool {
	load := count(rows, workers)
	least, most := len(rows), 0
	for _, worker := range workers {
		least, most = min(least, load[worker]), max(most, load[worker])
	}
	return load[""] == 0 && most-least <= 1
}

func TestPlansFromOneTableDoNotWorkAgainstOneAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := []string{"a", "b", "c", "d"}
		rows := drawTable(t, workers)
		wanted := make(map[string]string)
		for _, worker := range workers {
			plan := balance(scene{me: worker, leases: rows})
			for _, l := range slices.Concat(plan.take, plan.ask) {
				if other, twice := wanted[l.Key]; twice {
					t.Fatalf("%s is wanted by %s and by %s", l.Key, other, worker)
				}
				wanted[l.Key] = worker
			}
		}
	})
}

func TestThoseWhoSeePartsOfATableDealADeadWorkersLeasesAsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers := []string{"a", "b", "c", "d", "e", "f", "g"}
		s := scene{giving: true, partial: true, members: make(map[string]bool)}
		for _, worker := range workers {
			s.members[worker] = true
		}
		for i := range 70 {
			s.leases = append(s.leases, standing{Lease: Lease{Key: fmt.Sprintf("s%02d", i), Owner: workers[i%len(workers)]}})
		}
		for i := range rapid.IntRange(1, 30).Draw(t, "dead") {
			s.leases = append(s.leases, standing{Lease: Lease{Key: fmt.Sprintf("t%02d", i), Owner: "dead"}, idle: true})
		}
		watchers := make([]string, len(s.leases))
		for i := range watchers {
			watchers[i] = rapid.SampledFrom(workers).Draw(t, "watcher")
		}
		next := slices.Clone(s.leases)
		for _, s.me = range workers {
			view := s
			view.leases = slices.Clone(s.leases)
			for i := range view.leases {
				if l := &view.leases[i]; watchers[i] != s.me && l.Owner != s.me {
					l.remote, l.idle = true, false // when it was last read, it was its holder's
				}
			}
			plan := balance(view)
			for _, l := range plan.take {
				plan.give = append(plan.give, gift{l, s.me})
			}
			for _, g := range plan.give {
				i := slices.IndexFunc(next, func(r standing) bool { return r.Key == g.Key })
				if next[i].Owner != "dead" {
					t.Fatalf("%s is dealt twice", g.Key)
				}
				next[i].Owner = g.to
			}
		}
		if load := count(next, workers); load["dead"] > 0 || !settled(next, workers) {
			t.Fatalf("dealt unevenly: %v", load)
		}
	})
}

func TestWorkersThatKnowOfNobodyTryInDifferentOrders(t *testing.T) {
	var rows []standing
	for i := range 100 {
		rows = append(rows, standing{Lease: Lease{Key: fmt.Sprintf("s%02d", i)}, idle: true})
	}
	a, b := keysIn(balance(scene{me: "a", leases: rows}).take), keysIn(balance(scene{me: "b", leases: rows}).take)
	same := 0
	for i := range 20 {
		if slices.Contains(b[:20], a[i]) {
			same++
		}
	}
	if same > 10 {
		t.Errorf("%d of the first 20 are the same", same)
	}
}

func BenchmarkBalance(b *testing.B) {
	for name, rate := range map[string]func(i int) float64{
		"by count":  func(int) float64 { return 0 },
		"by weight": func(i int) float64 { return float64(100 + i*7919%1000) },
	} {
		b.Run(name, func(b *testing.B) {
			var rows []standing
			for i := range 10_000 {
				rows = append(rows, standing{Lease: Lease{Key: fmt.Sprintf("shardId-%012d", i), Owner: fmt.Sprintf("w%02d", i%99), ThroughputKBps: rate(i)}})
			}
			b.ReportAllocs()
			for b.Loop() {
				balance(scene{me: "w99", leases: rows})
			}
		})
	}
}
