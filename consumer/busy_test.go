package consumer

import (
	"testing"
	"time"
)

// A checkpoint is the renewal of its period: a shard that is always busy costs no more writes than one that rests.
func TestABusyShardCostsOneWriteForEachPeriod(t *testing.T) {
	bubble(t, 1, func(w *world) {
		run := w.start(w.config())
		w.putPlain("a")
		w.awaitAll()
		const periods = 100
		before := w.lease(shardID(0)).Counter // moves with every write
		for range periods * 10 {
			w.putPlain("a")
			time.Sleep(defaultFailoverTime / 3 / 10)
		}
		if writes := w.lease(shardID(0)).Counter - before; writes < periods-5 || writes > periods+10 {
			t.Errorf("%d writes in %d periods", writes, periods)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}
