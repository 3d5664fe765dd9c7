package consumer

import "testing"

func TestStatesLeadWhereThePictureSays(t *testing.T) {
	picture := map[State][]State{
		Waiting: {Opening, Draining, Lost}, Opening: {Reading, Draining, Lost}, Reading: {Draining, Ended, Lost},
		Draining: {Ended, Released, Lost},
	}
	for from := Waiting; from <= Lost; from++ {
		for to := Waiting; to <= Lost; to++ {
			want := false
			for _, next := range picture[from] {
				want = want || next == to
			}
			if from.leadsTo(to) != want {
				t.Errorf("%v to %v: %v", from, to, !want)
			}
		}
	}
}
