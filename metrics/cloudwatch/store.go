package cloudwatch

import (
	"maps"
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// series is a metric by its name and dimensions; empty ones are left out.
type series struct {
	name      string
	unit      types.StandardUnit
	operation string
	stream    string
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

// store is the statistics of the interval that is under way.
type store struct {
	limit int

	mu      sync.Mutex // guards what follows; held for no longer than an addition
	all     map[series]*statistics
	dropped int64 // values without room
}

func newStore(limit int) *store { return &store{limit: limit, all: make(map[series]*statistics)} }

// add counts a value n times.
func (s *store) add(of series, v, n float64) {
	if n <= 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.merge(of, statistics{count: n, sum: v * n, low: v, high: v})
}

// merge needs mu.
func (s *store) merge(of series, more statistics) {
	have := s.all[of]
	if have == nil {
		if len(s.all) >= s.limit {
			s.dropped += int64(more.count)
			return
		}
		have = new(statistics)
		s.all[of] = have
	}
	have.merge(more)
}

// take returns what there is and begins anew.
func (s *store) take() map[series]*statistics {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = make(map[series]*statistics, len(all))
	return all
}

// giveBack merges what could not be put.
func (s *store) giveBack(all map[series]*statistics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, more := range maps.All(all) {
		s.merge(of, *more)
	}
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
	return len(s.all), s.dropped
}
