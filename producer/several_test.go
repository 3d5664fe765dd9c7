package producer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/producer"
)

// heldBy returns how often each payload stands in a stream.
func (r *rig) heldBy(name string) map[string]int {
	r.t.Helper()
	times := make(map[string]int)
	for _, shard := range r.allOf(name) {
		for _, raw := range r.rawOf(name, shard.ID) {
			for _, s := range unpack(r.t, shard, raw) {
				if s.dropped {
					r.t.Errorf("%s: consumers drop %s", name, s.data)
				}
				times[s.data]++
			}
		}
	}
	return times
}

// Producers share the process's memory for aggregates and, here, a client; two of them even a stream. What is put through one has its result there,
// and stands in its stream and in no other.
func TestProducersOnOneClientKeepTheirRecordsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const records = 2000
		r := newRig(t, 0)
		streams := map[string]int32{"one": 1, "three": 3, "eight": 8}
		for name, shardCount := range streams {
			_, err := r.direct.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(name), ShardCount: aws.Int32(shardCount)})
			r.must(err)
		}
		// Some records are throttled, so that aggregates of all producers are taken up again side by side.
		r.faults.add(on("PutRecords", 20, throttleSome()))
		names := []string{"one", "three", "eight", "eight"}
		all := make([]*results, len(names))
		var wg sync.WaitGroup
		for i, name := range names {
			all[i] = newResults()
			p := r.producer(func(c *producer.Config) {
				c.Stream, c.MaxAggregateBytes = name, 4000
				c.Ordered = i == 1
			})
			wg.Go(func() {
				for n := range records {
					id := fmt.Sprintf("%d of producer %d", n, i)
					if err := p.Put(t.Context(), producer.Record{PartitionKey: fmt.Sprint("key ", n%50), Data: []byte(id)}, all[i].done(id)); err != nil {
						t.Error(err)
						return
					}
				}
				if err := p.Close(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		held := make(map[string]map[string]int)
		total := 0
		for name := range streams {
			held[name] = r.heldBy(name)
			total += len(held[name])
		}
		if total != len(names)*records {
			t.Errorf("the streams hold %d records, want %d", total, len(names)*records)
		}
		for i, name := range names {
			if all[i].len() != records {
				t.Errorf("producer %d has %d results", i, all[i].len())
			}
			for id := range all[i].byID {
				if result := all[i].only(t, id); result.Err != nil || held[name][id] != 1 {
					t.Errorf("%s: %v, %d times in %s", id, result.Err, held[name][id], name)
				}
			}
		}
	})
}
