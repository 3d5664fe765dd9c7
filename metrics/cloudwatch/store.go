package cloudwatch

import (
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// series is a metric by its name and dimensions; empty ones are left out.
type series struct {
	name      string
	unit      types.StandardUnit
	operation string
	stream    string // of a producer its name, of a consumer its id
	shard     string
	code      string
	worker    string
}

// statistics are what is known of the values of a series in an interval.
type statistics struct{ count, sum, low, high float64 }

func (s *statistics) merge(o statistics) {
	if s.count == 0 {
		*s = o
		return
	}
	s.count += o.count
	s.sum += o.sum
	s.low, s.high = min(s.low, o.low), max(s.high, o.high)
}

// store is the statistics of the interval that is under way. They are kept by the finest dimensions alone and summed up when they are taken:
// a hook pays for one addition, whatever the number of dimensions.
type store struct {
	limit int

	mu      sync.Mutex // guards what follows; held for no longer than an addition, but for the summing up once in an interval
	all     map[series]*statistics
	left    map[series]*statistics // summed up, and not put yet: the last put failed
	dropped int64                  // values without room
}

func newStore(limit int) *store { return &store{limit: limit, all: make(map[series]*statistics)} }

// add counts a value n times.
func (s *store) add(of series, v, n float64) {
	if n <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	more := statistics{count: n, sum: v * n, low: v, high: v}
	if s.merge(s.all, of, more) {
		return
	}
	s.dropped += int64(n)
	for up, ok := of.wider(); ok; up, ok = up.wider() { // without room for the part it counts for the whole all the same
		if s.merge(s.all, up, more) {
			return
		}
	}
}

// merge adds to one of the maps, if there is room. Series of shards, which are the many, may take half of it. It needs mu.
func (s *store) merge(to map[series]*statistics, of series, more statistics) bool {
	have := to[of]
	if have == nil {
		room := s.limit
		if of.shard != "" {
			room /= 2
		}
		if len(to) >= room {
			return false
		}
		have = new(statistics)
		to[of] = have
	}
	have.merge(more)
	return true
}

// wider returns the series that one is a part of: that without the shard, and then that without the stream.
func (s series) wider() (series, bool) {
	switch {
	case s.shard != "":
		s.shard = ""
	case s.stream != "":
		s.stream = ""
	default:
		return s, false
	}
	return s, true
}

// take returns what there is, summed up, and begins anew.
func (s *store) take() map[series]*statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.left
	if out == nil {
		out = make(map[series]*statistics, 2*len(s.all))
	}
	for of, more := range s.all { // the wider ones first: for them there must be room
		for up, ok := of.wider(); ok; up, ok = up.wider() {
			s.fit(out, up, *more)
		}
	}
	for of, more := range s.all {
		s.fit(out, of, *more)
	}
	s.left, s.all = nil, make(map[series]*statistics, len(s.all))
	return out
}

// fit merges what there is room for. It needs mu.
func (s *store) fit(to map[series]*statistics, of series, more statistics) {
	if !s.merge(to, of, more) {
		s.dropped += int64(more.count)
	}
}

// giveBack keeps what could not be put until it is taken again.
func (s *store) giveBack(all map[series]*statistics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = all
}

// drop counts values that are given up.
func (s *store) drop(part []series, all map[series]*statistics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range part {
		s.dropped += int64(all[of].count)
	}
}

// size returns how many series there are, and how many values had no room.
func (s *store) size() (buffered int, dropped int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all) + len(s.left), s.dropped
}
