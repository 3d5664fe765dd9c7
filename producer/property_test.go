package producer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest/oracle"
	"github.com/penstock-go/penstock/producer"
)

// Whatever goes wrong, in whatever configuration: each accepted record has one result; what is reported as put stands where it is said
// to, for every consumer; what is reported as surely not put is not in the stream; and an ordered producer keeps the order.
func TestResultsTellTheTruthUnderRandomFaults(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 30
	}
	for seed := range uint64(runs) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { runRandom(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

// storm is what one random run does.
type storm struct {
	*rig
	rng *rand.Rand
	p   *producer.Producer
	cfg producer.Config
	got *results
	ids []string // of accepted records

	onDemand  bool     // so that record distribution can be switched
	scattered bool     // it has been AUTO
	earlier   []stored // what streams that are gone held
}

func runRandom(t *testing.T, rng *rand.Rand) {
	s := &storm{rig: newRig(t, 0), rng: rng, got: newResults()}
	if s.onDemand = rng.IntN(8) == 0; s.onDemand {
		s.rig.onDemand(t)
	} else {
		s.create(1 + rng.IntN(3))
	}
	s.spoil()
	s.p = s.producer(func(c *producer.Config) {
		c.Linger = []time.Duration{-1, 0, time.Second}[rng.IntN(3)]
		c.TTL = []time.Duration{2 * time.Second, 30 * time.Second, time.Hour}[rng.IntN(3)]
		c.RequestTimeout = []time.Duration{time.Second, 10 * time.Second}[rng.IntN(2)]
		c.MaxAttempts = []int{0, 0, 2}[rng.IntN(3)]
		c.MaxBufferedRecords = []int{20, 100, 0}[rng.IntN(3)]
		c.MaxInFlight = []int{1, 3, 0}[rng.IntN(3)]
		c.MaxRequestRecords = []int{3, 0}[rng.IntN(2)]
		c.MaxAggregateRecords = []int{0, 3}[rng.IntN(2)]
		c.MaxAggregateBytes = []int{0, 150}[rng.IntN(2)]
		c.DisableAggregation = rng.IntN(4) == 0
		c.AggregateBelow = []int{0, 50}[rng.IntN(2)]
		c.ShardRatePercent = []int{0, 0, 0, 1}[rng.IntN(4)]
		c.FailIfThrottled = rng.IntN(8) == 0
		c.Ordered = rng.IntN(2) == 0
		if c.Ordered && rng.IntN(2) == 0 {
			c.OnOrderedFailure = producer.FailLater
		}
		s.cfg = *c
	})
	for range 40 {
		s.act(t)
	}
	s.end(t)
	s.check(t)
}

// spoil makes a share of the calls fail, in all the ways that there are.
func (s *storm) spoil() {
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(s.rng.Uint64(), 2))
	often := rng.IntN(60)
	pick := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(n)
	}
	s.faults.add(func(c *call) (*http.Response, error) {
		if pick(100) >= often {
			return nil, nil
		}
		if c.op == "PutRecords" && pick(3) == 0 {
			return throttleSome()(c)
		}
		switch pick(9) {
		case 0:
			return reset(c)
		case 1:
			return hang(c)
		case 2:
			return refuse("InternalFailureException", http.StatusInternalServerError)(c)
		case 3:
			return refuse("ProvisionedThroughputExceededException", http.StatusBadRequest)(c)
		case 4:
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		case 5:
			return refuse("ValidationException", http.StatusBadRequest)(c)
		case 6:
			if pick(4) == 0 {
				return refuse("AccessDeniedException", http.StatusBadRequest)(c)
			}
		case 7:
			time.Sleep(time.Duration(pick(2000)) * time.Millisecond)
		}
		return nil, nil
	})
}

func (s *storm) act(t *testing.T) {
	switch s.rng.IntN(8) {
	case 0:
		time.Sleep(time.Duration(s.rng.IntN(3000)) * time.Millisecond)
		if s.rng.IntN(20) == 0 {
			time.Sleep(time.Duration(s.rng.IntN(8)) * time.Hour)
		}
	case 1:
		switch {
		case s.rng.IntN(10) == 0:
			s.remake(t)
		case s.onDemand:
			s.scattered = true
			s.distribute(t, []types.RecordDistributionStrategy{types.RecordDistributionStrategyAuto,
				types.RecordDistributionStrategyUserPartitionKey}[s.rng.IntN(2)])
		default:
			s.reshard()
		}
	case 2:
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_ = s.p.Flush(ctx) // whether it was in time does not matter here
		cancel()
	default:
		for range s.rng.IntN(30) {
			s.put(t)
		}
	}
}

func (s *storm) put(t *testing.T) {
	key := s.rng.IntN(8)
	id := fmt.Sprintf("key-%d#%d", key, len(s.ids))
	record := producer.Record{PartitionKey: fmt.Sprintf("key-%d", key), Data: []byte(id + strings.Repeat(" ", s.rng.IntN(2)*100))}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := s.p.Put(ctx, record, s.got.done(id))
	switch {
	case err == nil:
		s.ids = append(s.ids, id)
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, producer.ErrEarlierFailed):
		t.Errorf("Put: %v", err)
	}
}

func (s *storm) reshard() {
	open := s.open()
	i := s.rng.IntN(len(open))
	if len(open) < 4 {
		s.split(open[i].ID)
	} else if i > 0 {
		s.merge(open[i-1].ID, open[i].ID)
	}
}

// remake deletes the stream and makes another of its name, with shards of the same names and maybe other ranges. Where the service takes
// its time for both, a producer that has something to send hears that there is no stream; so it does here.
func (s *storm) remake(t *testing.T) {
	s.faults.gate.Lock()
	s.earlier = append(s.earlier, s.read()...)
	_, err := s.direct.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(stream)})
	s.faults.gate.Unlock()
	s.must(err)
	time.Sleep(2 * time.Second) // sequence numbers go by the second in which a stream was made
	for n := 0; s.p.Shards() != nil; n++ {
		if n == 10_000 {
			t.Fatal("the producer does not hear that the stream is gone")
		}
		s.put(t)
		time.Sleep(time.Second)
	}
	if s.onDemand = false; s.rng.IntN(8) == 0 {
		s.onDemand = true
		s.rig.onDemand(t)
		return
	}
	s.create(1 + s.rng.IntN(5))
}

// end closes the producer, at times without patience.
func (s *storm) end(t *testing.T) {
	patience := []time.Duration{0, time.Second, 3 * time.Hour}[s.rng.IntN(3)]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	start := time.Now()
	err := s.p.Close(ctx)
	if took := time.Since(start); took > patience+2*time.Second { // a slow call does not heed its context
		t.Errorf("Close took %v", took)
	}
	if err != nil && (!errors.Is(err, producer.ErrClosed) || patience > time.Hour) {
		t.Errorf("Close: %v", err)
	}
}

// judge asks the server's own history whether everything that is reported as put is there.
func (s *storm) judge(t *testing.T, records []stored) {
	place := func(shard, sequence string) oracle.Place {
		return oracle.Place{Stream: stream, Shard: shard, SequenceNumber: sequence}
	}
	report := oracle.Report{Contents: make(map[oracle.Place][]oracle.UserRecord)}
	for _, r := range records {
		at := place(r.shard, r.sequence)
		if r.aggregated {
			report.Contents[at] = append(report.Contents[at], oracle.UserRecord{SubSequence: int64(r.sub), Key: oracle.DigestOf(r.key), Data: oracle.DigestOf(r.data)})
		}
	}
	for _, id := range s.ids {
		if result := s.got.only(t, id); result.Err == nil {
			report.Put = append(report.Put, oracle.Put{Place: place(result.ShardID, result.SequenceNumber), SubSequence: int64(result.SubSequence)})
		}
	}
	for _, v := range oracle.Check(s.server.Oracle().History(), report) {
		t.Errorf("the oracle says: %v", v)
	}
}

func (s *storm) check(t *testing.T) {
	records := slices.Concat(s.earlier, s.read())
	s.judge(t, records)
	at, present := make(map[string]stored), make(map[string]bool)
	for i := range records {
		records[i].data = strings.TrimSpace(records[i].data)
		r := records[i]
		at[r.at()] = r
		present[r.data] = true
	}
	for _, id := range s.ids {
		result := s.got.only(t, id)
		if result.Err == nil {
			r, ok := at[result.ShardID+"/"+result.SequenceNumber+"/"+strconv.FormatUint(result.SubSequence, 10)]
			if !ok || r.data != id || r.dropped {
				t.Errorf("%s: reported as put at %s/%s/%d, where %+v stands", id, result.ShardID, result.SequenceNumber, result.SubSequence, r)
			}
			continue
		}
		var failed *producer.FailedError
		if !errors.As(result.Err, &failed) {
			t.Errorf("%s: %v", id, result.Err)
		} else if present[id] && !failed.MaybeStored {
			t.Errorf("%s: reported as surely not stored (%v), but it is: %+v", id, result.Err, result.Attempts)
		}
	}
	if s.got.len() != len(s.ids) {
		t.Errorf("%d records were accepted, %d have results", len(s.ids), s.got.len())
	}
	if s.cfg.Ordered && !s.scattered { // a key that is spread over several shards has no order
		// A request that the producer has given up may still be on its way, so that a record which failed for good can turn up at any
		// time. Only what is reported as put has a place in the order.
		checkOrder(t, slices.DeleteFunc(records, func(r stored) bool { return s.got.only(t, r.data).Err != nil }))
	}
	if t.Failed() {
		t.Logf("config: %+v", s.cfg)
	}
}
