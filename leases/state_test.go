package leases

import (
	"fmt"
	"testing"
)

func TestAHoldingOnlyGoesForward(t *testing.T) {
	all := []state{working, draining, stopped, ended, released, lost}
	allowed := map[string]bool{}
	for _, from := range []state{working, draining, stopped} {
		for _, to := range all {
			if to > from {
				allowed[fmt.Sprint(from, " -> ", to)] = true
			}
		}
	}
	for _, from := range all {
		for _, to := range all {
			edge := fmt.Sprint(from, " -> ", to)
			if from.leadsTo(to) != allowed[edge] {
				t.Errorf("%s: %v", edge, from.leadsTo(to))
			}
		}
	}
}
