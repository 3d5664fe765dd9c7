package leases_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases"
)

// TestAFleetUnderRandomFaultsIsJudgedByTheOracle lets workers come, go, die and be cut off, over a table that throttles, answers late,
// acts twice, and loses requests and replies. The oracle looks at every change of every row: no lease changes hands while its holder may
// trust it, and no checkpoint goes back. In the end every lease is held.
func TestAFleetUnderRandomFaultsIsJudgedByTheOracle(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomFaults(t, seed) })
		})
	}
}

func randomFaults(t *testing.T, seed uint64) {
	t.Helper()
	const total = 14
	var weather []kinesistest.Fault
	for i, f := range []struct {
		probability float64
		effect      kinesistest.Effect
	}{
		{0.05, kinesistest.Throttle()}, {0.02, kinesistest.DropReply()}, {0.02, kinesistest.Reset()}, {0.02, kinesistest.Twice()},
		{0.02, kinesistest.FailLate(0, "InternalServerError", "late")}, {0.02, kinesistest.Delay(time.Second, 3*time.Second)},
		{0.01, kinesistest.Corrupt(0)},
	} {
		weather = append(weather, kinesistest.Fault{Service: kinesistest.DynamoDB, Probability: f.probability, Seed: seed*100 + uint64(i), Do: f.effect})
	}
	c := newCrowd(t, total, weather...)
	c.handle = stepByStep
	rng := rand.New(rand.NewPCG(seed, 5))
	var alive []string
	join := func() {
		name := fmt.Sprintf("w%02d", len(c.members))
		c.join(name)
		alive = append(alive, name)
	}
	part := func() string {
		i := rng.IntN(len(alive))
		name := alive[i]
		alive = append(alive[:i], alive[i+1:]...)
		return name
	}
	join()
	for start := time.Now(); time.Since(start) < 2*time.Minute; time.Sleep(time.Duration(rng.Int64N(int64(15 * time.Second)))) {
		switch n := rng.IntN(8); {
		case n < 3 && len(alive) < 6 || len(alive) == 0:
			join()
		case n == 3:
			c.kill(part())
		case n == 4:
			c.members[part()].stop()
		case n > 4: // frozen for a while: nothing that it sends arrives, and what it has sent arrives late
			heal := c.server.Partition(alive[rng.IntN(len(alive))])
			time.Sleep(time.Duration(rng.Int64N(int64(25 * time.Second))))
			heal()
		}
	}
	if len(alive) == 0 {
		join()
	}
	c.within(2*time.Minute, "every lease is held by who lives", func(load map[string]int) bool {
		n := 0
		for _, name := range alive {
			n += load[name]
		}
		return n == total
	})
	c.end()
}

// stepByStep is a handler that checkpoints every half second.
func stepByStep(h *leases.Held) {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for next := sequenceOf(h.Lease().Checkpoint) + 1; ; next++ {
		select {
		case <-h.Draining():
			return
		case <-h.Context().Done():
			return
		case <-tick.C:
		}
		p, err := checkpoint.At(fmt.Sprint(next), 0)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(h.Context(), time.Minute)
		err = h.Checkpoint(ctx, p)
		cancel()
		if err != nil {
			return
		}
	}
}
