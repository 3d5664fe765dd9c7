package kinesis

import (
	"runtime"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// The log is compared with a plain slice through any row of appends, trims and searches.
func TestLogBehavesLikeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l recordLog
		var model []int64 // arrival times of all records ever
		first, now := 0, int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				for range rapid.IntRange(1, 2*chunkLen).Draw(t, "n") {
					now += rapid.Int64Range(0, 2).Draw(t, "pause")
					l.append(record{at: now})
					model = append(model, now)
				}
			},
			"trim": func(t *rapid.T) {
				ms := rapid.Int64Range(0, now+1).Draw(t, "horizon")
				l.trim(ms)
				for first < len(model) && model[first] < ms {
					first++
				}
			},
			"search": func(t *rapid.T) {
				ms := rapid.Int64Range(0, now+1).Draw(t, "time")
				want := first
				for want < len(model) && model[want] < ms {
					want++
				}
				if got := l.firstSince(ms); got != int64(want) {
					t.Fatalf("first since %d is %d, want %d", ms, got, want)
				}
			},
			"": func(t *rapid.T) {
				if l.first != int64(first) || l.next != int64(len(model)) {
					t.Fatalf("records %d to %d, want %d to %d", l.first, l.next, first, len(model))
				}
				if kept := l.next - l.base; int64(len(l.chunks)) > kept/chunkLen+1 {
					t.Fatalf("%d chunks for %d slots", len(l.chunks), kept)
				}
				v := l.view(l.first, l.next)
				for i := l.first; i < l.next; i++ {
					if v.at(i).at != model[i] {
						t.Fatalf("record %d arrived at %d, want %d", i, v.at(i).at, model[i])
					}
				}
			},
		})
	})
}

func TestViewOutlivesTrimming(t *testing.T) {
	var l recordLog
	for i := range int64(3 * chunkLen) {
		l.append(record{at: i})
	}
	v := l.view(l.first, l.next)
	l.trim(3*chunkLen - 1)
	for i := v.from; i < v.to; i++ {
		if v.at(i).at != i {
			t.Fatalf("record %d changed to %d", i, v.at(i).at)
		}
	}
}

func TestViewOutlivesTheGrowthOfItsChunk(t *testing.T) {
	var l recordLog
	l.append(record{at: 0})
	v := l.view(l.first, l.next)
	for i := range int64(2 * chunkLen) {
		l.append(record{at: 1 + i})
	}
	if got := v.at(0).at; got != 0 {
		t.Fatalf("the record changed to %d", got)
	}
}

func TestALogOfOneRecordIsSmall(t *testing.T) {
	var before, after runtime.MemStats
	logs := make([]recordLog, 10_000)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range logs {
		logs[i].append(record{})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := (after.HeapAlloc - before.HeapAlloc) / uint64(len(logs)); each > 256 {
		t.Errorf("a log of one record takes %d bytes", each)
	}
	runtime.KeepAlive(logs)
}

func TestRecordsCostLittleMoreThanTheirPayload(t *testing.T) {
	if size := unsafe.Sizeof(record{}); size > 64 {
		t.Errorf("a record takes %d bytes", size)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var l recordLog
	const n = 100_000
	for range n {
		l.append(record{})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if each := float64(after.HeapAlloc-before.HeapAlloc) / n; each > 64 {
		t.Errorf("a record takes %.1f bytes of the log", each)
	}
	runtime.KeepAlive(&l)
}
