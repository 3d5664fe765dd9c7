package leases

import (
	"testing"
	"time"
)

func TestAnAskerIsJudgedByHowItsOwnClockMoves(t *testing.T) {
	const every = 5 * time.Second
	began := time.Now()
	type look struct {
		after, says time.Duration // since the beginning, by this clock and by the asker's
		stale       bool
	}
	for name, looks := range map[string][]look{
		"a live one":                     {{0, 0, false}, {20 * time.Minute, 20 * time.Minute, false}},
		"one that has died":              {{0, 0, false}, {11 * time.Second, 0, false}, {12 * time.Second, 0, true}},
		"one that died long ago":         {{0, -time.Hour, true}},
		"one that died a little later":   {{0, 0, false}, {10 * time.Minute, every, true}},
		"a clock that is behind":         {{0, -2 * time.Hour, true}, {every, every - 2*time.Hour, false}, {time.Hour, -time.Hour, false}},
		"a clock that is ahead":          {{0, 2 * time.Hour, false}, {time.Hour, 3 * time.Hour, false}},
		"dead, with a clock ahead":       {{0, 2 * time.Hour, false}, {10 * time.Minute, 2 * time.Hour, true}},
		"a clock that was put back":      {{0, 0, false}, {time.Minute, -time.Hour, true}, {2 * time.Minute, time.Minute - time.Hour, false}},
		"a clock that was put forward":   {{0, 0, false}, {time.Minute, time.Hour, false}, {2 * time.Minute, time.Hour + time.Minute, false}},
		"dead, after it was put forward": {{0, 0, false}, {time.Minute, time.Hour, false}, {2 * time.Minute, time.Hour, true}},
	} {
		var c callers
		for i, l := range looks {
			row := Worker{ID: "a", Updated: began.Add(l.says), Every: every}
			if got := c.stale(row, began.Add(l.after)); got != l.stale {
				t.Errorf("%s: at look %d stale is %v", name, i, got)
			}
		}
	}
}
