package main

import (
	"crypto/sha256"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// write makes journals from handled lines: each is {consumer, path, index}.
func write(t *testing.T, content map[string][]string, handled []handledLine) []*journal {
	t.Helper()
	var all []*journal
	for range 2 {
		j, err := newJournal(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.close() })
		all = append(all, j)
	}
	var order uint64
	for _, h := range handled {
		data := encodeLine(nil, uint64(h.index), []byte(content[h.path][h.index]))
		if err := all[h.consumer].append(func() uint64 { order++; return order }, h.path, data); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

type handledLine struct {
	consumer int
	path     string
	index    int
}

func TestReassembleJudgesWhatWasHandled(t *testing.T) {
	content := map[string][]string{"f": {"a\n", "b\n", "c\n"}, "g": {"x"}, "empty": {}}
	inOrder := []handledLine{{0, "f", 0}, {1, "g", 0}, {0, "f", 1}, {1, "f", 2}}
	for name, c := range map[string]struct {
		handled []handledLine
		want    verdicts
	}{
		"over two consumers": {inOrder, verdicts{files: 3, matching: 3}},
		"lost":               {inOrder[:3], verdicts{files: 3, matching: 2, lost: 1}},
		"duplicates":         {slices.Concat(inOrder, inOrder), verdicts{files: 3, matching: 3, duplicates: 4}},
		"out of order":       {[]handledLine{{0, "f", 0}, {1, "f", 2}, {0, "f", 1}, {1, "f", 2}, {1, "g", 0}}, verdicts{files: 3, matching: 3, outOfOrder: 1, duplicates: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := reassemble(write(t, content, c.handled), originals(content))
			if err != nil || got != c.want {
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func originals(content map[string][]string) map[string]original {
	sent := make(map[string]original)
	for path, all := range content {
		var whole []byte
		for _, line := range all {
			whole = append(whole, line...)
		}
		sent[path] = original{lines: uint64(len(all)), hash: sha256.Sum256(whole)}
	}
	return sent
}

func TestAFileThatWasChangedOnTheWayDoesNotMatch(t *testing.T) {
	sent := originals(map[string][]string{"f": {"a\n"}})
	got, err := reassemble(write(t, map[string][]string{"f": {"b\n"}}, []handledLine{{0, "f", 0}}), sent)
	if err != nil || got.matching != 0 || got.lost != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestLinesJoinToTheFileAgain(t *testing.T) {
	long := make([]byte, maxLine+10)
	for name, content := range map[string][]byte{
		"empty": nil, "one": []byte("a"), "newline at the end": []byte("a\n\nb\n"), "none at the end": []byte("a\nb"), "very long": long,
	} {
		all := lines(content)
		if got := slices.Concat(all...); !slices.Equal(got, content) {
			t.Errorf("%s: %d bytes became %d", name, len(content), len(got))
		}
		for _, line := range all {
			if len(line) == 0 || len(line) > maxLine {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
		}
	}
}

func TestAPauseEndsWhenAnotherConsumerHandlesTheShard(t *testing.T) {
	synctest.Test(t, testPause)
}

func testPause(t *testing.T) {
	f := &fleet{pauses: make(map[string]*pause)}
	stopped, other := &member{name: "stopped"}, &member{name: "other"}
	f.endPause(stopped, "s1")
	f.endPause(other, "s2")
	f.beginPauses(stopped)
	f.endPause(stopped, "s1") // its last batch, still in the air
	f.endPause(other, "s2")
	if _, shards := f.longestPause(); shards != 0 {
		t.Fatalf("%d shards before the takeover", shards)
	}
	time.Sleep(time.Second)
	f.endPause(other, "s1")
	if longest, shards := f.longestPause(); shards != 1 || longest != time.Second {
		t.Errorf("%v for %d shards", longest, shards)
	}
}
