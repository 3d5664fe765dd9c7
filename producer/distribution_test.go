package producer_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/producer"
)

// onDemand makes the stream one whose record distribution can be chosen.
func (r *rig) onDemand(t *testing.T) {
	_, err := r.direct.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(stream),
		StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand}})
	r.must(err)
}

func (r *rig) distribute(t *testing.T, strategy types.RecordDistributionStrategy) {
	_, err := r.direct.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
		StreamARN: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/" + stream), RecordDistributionStrategy: strategy})
	r.must(err)
}

// degradations collects what the hook is told.
type degradations struct {
	mu  sync.Mutex // guards all
	all []error
}

func (d *degradations) hook(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, err)
}

func (d *degradations) told(want error) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, err := range d.all {
		if errors.Is(err, want) {
			n++
		}
	}
	return n
}

// waves puts records in many small waves, so that each makes aggregates.
func (r *rig) waves(t *testing.T, p *producer.Producer, n int, got *results) {
	for range n {
		for k := range 20 {
			id := fmt.Sprintf("key-%d#%d", k, got.len())
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: fmt.Sprintf("key-%d", k), Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
	}
}

// delivered checks that what is reported as put stands where no consumer drops it.
func (r *rig) delivered(t *testing.T, got *results) {
	t.Helper()
	seen := make(map[string]bool)
	for _, s := range r.read() {
		seen[s.data] = seen[s.data] || !s.dropped
	}
	for id := range got.byID {
		if result := got.only(t, id); result.Err != nil || !seen[id] {
			t.Errorf("%s: %v, delivered: %v", id, result.Err, seen[id])
		}
	}
}

func TestAutoDistributionThatIsSwitchedOnWhileRunningEndsAggregation(t *testing.T) {
	for name, change := range map[string]func(*producer.Config){"unordered": nil, "ordered": ordered} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 0)
				r.onDemand(t)
				var told degradations
				got := newResults()
				p := r.producer(func(c *producer.Config) {
					c.Hooks.Degraded = told.hook
					if change != nil {
						change(c)
					}
				})
				r.waves(t, p, 2, got)
				if told.told(producer.ErrMisplaced) > 0 || len(p.Shards()) == 0 {
					t.Fatal("not as it should begin")
				}
				r.distribute(t, types.RecordDistributionStrategyAuto)
				before := r.faults.count("DescribeStreamSummary")
				r.waves(t, p, 20, got)
				time.Sleep(time.Second)
				r.waves(t, p, 20, got)
				if told.told(producer.ErrAutoDistribution) != 1 || r.faults.count("DescribeStreamSummary") != before+1 || p.Shards() != nil {
					t.Errorf("told %v, described %d times more, shards %v", told.all, r.faults.count("DescribeStreamSummary")-before, p.Shards())
				}
				r.delivered(t, got)
				aggregates := 0
				for _, s := range r.read() {
					if s.aggregated && s.dropped {
						aggregates++
					}
				}
				if aggregates > 20*20 {
					t.Errorf("%d records went out in aggregates that consumers drop", aggregates)
				}
			})
		})
	}
}

// aggregated returns how many of the records that the stream holds are in aggregates.
func (r *rig) aggregated() (n int) {
	for _, s := range r.read() {
		if s.aggregated {
			n++
		}
	}
	return n
}

func TestAutoDistributionThatIsSwitchedOffWhileRunningLetsAggregationGoOn(t *testing.T) {
	for name, fromTheStart := range map[string]bool{"on from the start": true, "switched on before": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 0)
				r.onDemand(t)
				if fromTheStart {
					r.distribute(t, types.RecordDistributionStrategyAuto)
				}
				var told degradations
				got := newResults()
				p := r.producer(func(c *producer.Config) { c.Hooks.Degraded = told.hook })
				r.waves(t, p, 2, got)
				if !fromTheStart {
					r.distribute(t, types.RecordDistributionStrategyAuto)
					r.waves(t, p, 20, got)
				}
				time.Sleep(21 * time.Minute)
				described := r.faults.count("DescribeStreamSummary")
				before := r.aggregated()
				r.waves(t, p, 3, got)
				if n := told.told(producer.ErrAutoDistribution); n != 1 || p.Shards() != nil || r.aggregated() != before || described > 6 {
					t.Fatalf("while it is AUTO: told %v, shards %v, %d records more in aggregates, described %d times", told.all, p.Shards(), r.aggregated()-before, described)
				}
				r.distribute(t, types.RecordDistributionStrategyUserPartitionKey)
				time.Sleep(5*time.Minute + time.Second)
				r.waves(t, p, 3, got)
				if p.Shards() == nil || r.aggregated() <= before {
					t.Errorf("five minutes later: shards %v, %d records more in aggregates", p.Shards(), r.aggregated()-before)
				}
				r.distribute(t, types.RecordDistributionStrategyAuto)
				r.waves(t, p, 20, got)
				time.Sleep(time.Second)
				if n := told.told(producer.ErrAutoDistribution); n != 2 || p.Shards() != nil {
					t.Errorf("when it is AUTO again: told %v, shards %v", told.all, p.Shards())
				}
				r.delivered(t, got)
			})
		})
	}
}

func TestWhereDistributionCannotBeDeterminedNothingIsAggregated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.onDemand(t)
		var told degradations
		got := newResults()
		p := r.producer(func(c *producer.Config) { c.Hooks.Degraded = told.hook })
		r.waves(t, p, 1, got)
		r.distribute(t, types.RecordDistributionStrategyAuto)
		r.faults.add(on("DescribeStreamSummary", 0, refuse("AccessDeniedException", http.StatusBadRequest)))
		r.waves(t, p, 30, got)
		if told.told(producer.ErrMisplaced) != 1 || p.Shards() != nil {
			t.Errorf("told %v, shards %v", told.all, p.Shards())
		}
		r.delivered(t, got)
	})
}

// A server that ignores hash keys and does not say so must not make the producer go back and forth.
func TestAServiceThatSaysOtherwiseIsNotBelievedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.onDemand(t)
		var told degradations
		got := newResults()
		p := r.producer(func(c *producer.Config) { c.Hooks.Degraded = told.hook })
		r.waves(t, p, 1, got)
		r.distribute(t, types.RecordDistributionStrategyAuto)
		r.faults.add(on("DescribeStreamSummary", 0, func(c *call) (*http.Response, error) {
			return reply(c, http.StatusOK, `{"StreamDescriptionSummary":{"StreamName":"orders","StreamStatus":"ACTIVE"}}`), nil
		}))
		r.waves(t, p, 30, got)
		time.Sleep(time.Minute)
		r.waves(t, p, 30, got)
		if n := told.told(producer.ErrMisplaced); n != 1 {
			t.Errorf("told %d times", n)
		}
		r.distribute(t, types.RecordDistributionStrategyUserPartitionKey)
		time.Sleep(5 * time.Minute)
		r.waves(t, p, 1, got)
		if p.Shards() == nil {
			t.Error("five minutes later it does not aggregate again")
		}
		r.delivered(t, got)
	})
}

// The shards of the new stream have the same names as those before and other ranges: by the old listing an aggregate would seem to have
// been stored where it belongs.
func TestAStreamThatIsMadeAnewWithOtherRangesIsListedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		var well atomic.Bool
		r.faults.add(on("ListShards", 0, func(c *call) (*http.Response, error) {
			if c.n == 1 || well.Load() {
				return nil, nil
			}
			return refuse("LimitExceededException", http.StatusBadRequest)(c)
		}))
		got := newResults()
		p := r.producer(nil)
		r.waves(t, p, 1, newResults())
		_, err := r.direct.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(stream)})
		r.must(err)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); !errors.Is(err, producer.ErrStreamNotFound) {
			t.Fatal(err)
		}
		synctest.Wait()
		r.create(5)
		r.waves(t, p, 5, got)
		r.delivered(t, got)
		well.Store(true)
		time.Sleep(time.Minute)
		r.waves(t, p, 1, got)
		if len(p.Shards()) != 5 {
			t.Error("the new stream's shards are not known")
		}
		r.delivered(t, got)
	})
}

// Another stream of the same name may have shards of the same names elsewhere.
func TestAStreamThatIsMadeAnewWithTheSameShardsIsListedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.split("shardId-000000000000")
		r.split("shardId-000000000001")
		got := newResults()
		p := r.producer(nil)
		r.waves(t, p, 1, newResults())
		_, err := r.direct.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(stream)})
		r.must(err)
		r.create(5)
		r.waves(t, p, 30, got)
		time.Sleep(time.Second)
		r.waves(t, p, 3, got)
		if loads := p.Shards(); len(loads) != 5 {
			t.Errorf("%d shards are known", len(loads))
		}
		r.delivered(t, got)
	})
}

// No reply tells that the stream is another one: its shards have the names of those before. Each record has the one result, and stands where
// consumers find it.
func TestAStreamThatIsMadeAnewWhileTheProducerIsIdleGetsItsRecordsRightly(t *testing.T) {
	for _, before := range []int{1, 2, 3, 5} {
		for _, after := range []int{1, 2, 4, 7} {
			for name, change := range map[string]func(*producer.Config){"unordered": nil, "ordered": ordered} {
				t.Run(fmt.Sprintf("%d shards to %d, %s", before, after, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						r := newRig(t, before)
						p := r.producer(change)
						r.waves(t, p, 3, newResults())
						time.Sleep(10 * time.Minute)
						_, err := r.direct.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(stream)})
						r.must(err)
						time.Sleep(time.Minute)
						r.create(after)
						time.Sleep(10 * time.Minute)
						got := newResults()
						r.waves(t, p, 10, got)
						if len(p.Shards()) != after {
							t.Errorf("%d shards are known", len(p.Shards()))
						}
						if got.len() != 200 {
							t.Errorf("%d of 200 records have a result", got.len())
						}
						r.delivered(t, got)
					})
				})
			}
		}
	}
}

func TestAfterAPauseTheShardsAreListedOnceWhileTheFirstRecordLingers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 4)
		p := r.producer(nil)
		r.waves(t, p, 1, newResults())
		for range 40 { // no pause
			time.Sleep(5 * time.Second)
			r.waves(t, p, 1, newResults())
		}
		listed := r.faults.count("ListShards")
		if listed != 1 {
			t.Errorf("listed %d times without a pause", listed)
		}
		for range 3 {
			time.Sleep(time.Minute)
			start := time.Now()
			records := make([]producer.Record, 20)
			for i := range records {
				records[i].PartitionKey = fmt.Sprint(i)
			}
			results, err := p.PutSync(t.Context(), records...)
			r.must(err)
			if took := time.Since(start); took > 101*time.Millisecond {
				t.Errorf("results after %v", took)
			}
			if n := len(results[0].Attempts); n != 1 {
				t.Errorf("%d attempts", n)
			}
		}
		if n := r.faults.count("ListShards") - listed; n != 3 {
			t.Errorf("listed %d times in three pauses", n)
		}
	})
}

// The first requests after the pause are under way before the new listing is there.
func TestAfterAPauseAggregatesWaitForAListingThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		got := newResults()
		p := r.producer(nil)
		r.waves(t, p, 1, newResults())
		_, err := r.direct.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(stream)})
		r.must(err)
		time.Sleep(time.Minute)
		r.create(7)
		r.faults.add(on("ListShards", 4, refuse("LimitExceededException", http.StatusBadRequest)))
		r.waves(t, p, 5, got)
		if got.len() != 100 || len(p.Shards()) != 7 {
			t.Errorf("%d results, %d shards", got.len(), len(p.Shards()))
		}
		r.delivered(t, got)
	})
}
