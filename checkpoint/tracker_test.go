package checkpoint

import (
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestThePositionNeverPassesAGap(t *testing.T) {
	tr := NewTracker(TrimHorizon, 10)
	var tickets []Ticket
	for i := range 5 {
		ticket, err := tr.Deliver(at(t, strconv.Itoa(i+1), 0))
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, ticket)
	}
	for _, step := range []struct {
		ack  int
		want Position
	}{{3, TrimHorizon}, {1, TrimHorizon}, {0, at(t, "2", 0)}, {4, at(t, "2", 0)}, {2, at(t, "5", 0)}} {
		if tr.Ack(tickets[step.ack]); tr.Position() != step.want {
			t.Errorf("after %d: %v, want %v", step.ack, tr.Position(), step.want)
		}
	}
	if tr.Pending() != 0 {
		t.Errorf("Pending() = %d", tr.Pending())
	}
}

func TestTheWindowIsBounded(t *testing.T) {
	tr := NewTracker(Latest, 2)
	first, _ := tr.Deliver(at(t, "1", 0))
	tr.Deliver(at(t, "2", 0))
	if _, err := tr.Deliver(at(t, "3", 0)); !errors.Is(err, ErrWindow) {
		t.Errorf("the window of two took three: %v", err)
	}
	tr.Ack(first)
	if _, err := tr.Deliver(at(t, "3", 0)); err != nil {
		t.Errorf("an acknowledged delivery did not make room: %v", err)
	}
}

func TestForeignAndRepeatedTicketsAreIgnored(t *testing.T) {
	tr := NewTracker(Latest, 2)
	tr.Ack(0)
	ticket, _ := tr.Deliver(at(t, "1", 0))
	tr.Ack(ticket + 1)
	if tr.Position() != Latest {
		t.Errorf("a ticket that was never given out moved the position to %v", tr.Position())
	}
	tr.Ack(ticket)
	tr.Ack(ticket)
	if tr.Position() != at(t, "1", 0) || tr.Pending() != 0 {
		t.Errorf("%v, %d pending", tr.Position(), tr.Pending())
	}
}

func TestATrackerAgreesWithAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.IntRange(1, 200).Draw(t, "window")
		tr, done, first := NewTracker(TrimHorizon, window), []bool{}, 0
		for range rapid.IntRange(0, 600).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "deliver") || len(done) == first {
				_, err := tr.Deliver(at(t, strconv.Itoa(len(done)), 0))
				if want := len(done)-first < window; (err == nil) != want {
					t.Fatalf("Deliver with %d pending of %d: %v", len(done)-first, window, err)
				}
				if err == nil {
					done = append(done, false)
				}
			} else {
				i := rapid.IntRange(0, len(done)-1).Draw(t, "ack")
				tr.Ack(Ticket(i))
				done[i] = true
			}
			for first < len(done) && done[first] {
				first++
			}
			want := TrimHorizon
			if first > 0 {
				want = at(t, strconv.Itoa(first-1), 0)
			}
			if tr.Position() != want || tr.Pending() != len(done)-first {
				t.Fatalf("%v with %d pending, want %v with %d", tr.Position(), tr.Pending(), want, len(done)-first)
			}
		}
	})
}

func TestDeliveriesThatGoBackAreRefused(t *testing.T) {
	tr := NewTracker(at(t, "10", 3), 10)
	for _, p := range []Position{TrimHorizon, at(t, "9", 9), at(t, "10", 2), at(t, "10", 3)} {
		if _, err := tr.Deliver(p); !errors.Is(err, ErrOrder) {
			t.Errorf("Deliver(%v) at 10/3: %v", p, err)
		}
	}
	if _, err := tr.Deliver(at(t, "10", 4)); err != nil {
		t.Error(err)
	}
	if _, err := tr.Deliver(at(t, "10", 4)); !errors.Is(err, ErrOrder) {
		t.Errorf("the same position twice: %v", err)
	}
}

func TestAWindowThatIsNotPositiveIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewTracker(Latest, 0)
}

func TestSteadyTrackingAllocatesNothing(t *testing.T) {
	tr, p := NewTracker(Latest, 128), at(t, "1", 0)
	var tickets [100]Ticket
	run := func() {
		for i := range tickets {
			p.sub++
			tickets[i], _ = tr.Deliver(p)
		}
		for i := range tickets {
			tr.Ack(tickets[len(tickets)-1-i])
		}
	}
	run()
	if n := testing.AllocsPerRun(50, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTracker(b *testing.B) {
	tr, p := NewTracker(Latest, 1024), at(b, "49590338271490256608559692538361571095921575989136588898", 0)
	for b.Loop() {
		p.sub++
		ticket, _ := tr.Deliver(p)
		tr.Ack(ticket)
	}
}
