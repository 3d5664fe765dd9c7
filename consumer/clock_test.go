package consumer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

// offService is the service as it looks to a worker whose wall clock differs from its own by ahead.
type offService struct {
	KinesisAPI
	ahead time.Duration
}

func (s *offService) ListShards(ctx context.Context, in *kinesis.ListShardsInput, o ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	out, err := s.KinesisAPI.ListShards(ctx, in, o...)
	if err == nil {
		shiftDate(out.ResultMetadata, s.ahead)
	}
	return out, err
}

// shiftDate changes the time at which the service says that it made a reply.
func shiftDate(metadata middleware.Metadata, by time.Duration) {
	reply := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response)
	date, err := http.ParseTime(reply.Header.Get("Date"))
	if err != nil {
		panic(err)
	}
	reply.Header.Set("Date", date.Add(by).Format(http.TimeFormat))
}

func (s *offService) GetShardIterator(ctx context.Context, in *kinesis.GetShardIteratorInput, o ...func(*kinesis.Options)) (*kinesis.GetShardIteratorOutput, error) {
	if in.Timestamp != nil {
		at := in.Timestamp.Add(-s.ahead)
		in.Timestamp = &at
	}
	return s.KinesisAPI.GetShardIterator(ctx, in, o...)
}

func (s *offService) GetRecords(ctx context.Context, in *kinesis.GetRecordsInput, o ...func(*kinesis.Options)) (*kinesis.GetRecordsOutput, error) {
	out, err := s.KinesisAPI.GetRecords(ctx, in, o...)
	if err == nil {
		for i, r := range out.Records {
			at := r.ApproximateArrivalTimestamp.Add(s.ahead)
			out.Records[i].ApproximateArrivalTimestamp = &at
		}
	}
	return out, err
}

// offTable is the lease table as it looks to a worker whose wall clock is ahead of the others'.
type offTable struct {
	leases.Store
	ahead time.Duration
}

func (t *offTable) Beat(ctx context.Context, w leases.Worker) error {
	w.Updated = w.Updated.Add(t.ahead)
	return t.Store.Beat(ctx, w)
}

func (t *offTable) Worker(ctx context.Context, id string) (leases.Worker, error) {
	w, err := t.Store.Worker(ctx, id)
	w.Updated = w.Updated.Add(-t.ahead)
	return w, err
}

func (t *offTable) Scan(ctx context.Context) (leases.Snapshot, error) {
	s, err := t.Store.Scan(ctx)
	for i := range s.Workers {
		s.Workers[i].Updated = s.Workers[i].Updated.Add(-t.ahead)
	}
	return s, err
}

// offBy makes a worker's wall clock wrong.
func (c *court) offBy(cfg *Config, ahead time.Duration) {
	c.Helper()
	table, err := dynamo.New(dynamo.Config{API: cfg.DynamoDB, Table: cfg.Application})
	c.must(err)
	cfg.DynamoDB, cfg.Leases = nil, &offTable{table, ahead}
	cfg.Kinesis = &offService{cfg.Kinesis, -ahead}
}

func TestWorkersWhoseClocksAreHoursWrongLoseAndReorderNothing(t *testing.T) {
	eachReader(t, func(c *court, change func(*Config)) {
		begin := func(name string, ahead time.Duration) *worker {
			return c.begin(name, func(cfg *Config) { change(cfg); c.offBy(cfg, ahead) })
		}
		right := begin("right", 0)
		c.puts(30)
		ahead := begin("ahead", 2*time.Hour)
		time.Sleep(20 * time.Second)
		c.puts(30)
		behind := begin("behind", -2*time.Hour)
		time.Sleep(20 * time.Second)
		c.puts(30)
		heal := c.server.Partition("ahead") // to the others it is dead
		c.split(0)
		c.puts(30)
		time.Sleep(30 * time.Second)
		heal()
		c.puts(30)
		time.Sleep(20 * time.Second)
		right.mustEnd()
		c.merge(1)
		c.puts(30)
		time.Sleep(20 * time.Second)
		for _, name := range []string{"right", "ahead", "behind"} {
			if !c.hasHandled(name) {
				c.Errorf("worker %s has handled nothing", name)
			}
		}
		c.judge(ahead, behind)
	})
}

// hoursOff are differences between the clocks of a worker and the service.
var hoursOff = []time.Duration{3 * time.Hour, -3 * time.Hour, 30 * time.Hour, -30 * time.Hour}

func TestLatestIsByTheServicesClockHoweverWrongTheWorkersIs(t *testing.T) {
	for _, ahead := range hoursOff {
		bubble(t, 2, func(w *world) {
			w.putPlain(keys(10)...)
			time.Sleep(3 * time.Second) // LATEST is to the second
			before := w.put
			cfg := w.config()
			cfg.Kinesis, cfg.Streams[0].Start = &offService{w.client, ahead}, Latest
			run := w.start(cfg)
			w.await("both shards read", func() bool { return w.seen.has(shardID(0)+" reading") && w.seen.has(shardID(1)+" reading") })
			run.mustEnd()
			w.putPlain(keys(10)...) // while nobody reads, and no lease names a record
			w.split(0)
			w.putPlain(keys(10)...)
			run = w.start(cfg)
			w.await("what came after the start", func() bool { return w.seen.count() >= 20 })
			run.mustEnd()
			if got := w.seen.data(); slices.Min(got) != fmt.Sprintf("%06d", before+1) || len(got) != 20 {
				w.Errorf("the service's clock is %v ahead: handled %v", ahead, got)
			}
		})
	}
}

// oneDate is a service whose first listing is dated wrongly.
type oneDate struct {
	KinesisAPI
	ahead time.Duration
	once  sync.Once
}

func (s *oneDate) ListShards(ctx context.Context, in *kinesis.ListShardsInput, o ...func(*kinesis.Options)) (*kinesis.ListShardsOutput, error) {
	out, err := s.KinesisAPI.ListShards(ctx, in, o...)
	if err == nil {
		s.once.Do(func() { shiftDate(out.ResultMetadata, s.ahead) })
	}
	return out, err
}

func TestLatestLosesNothingThoughTheServiceToldAWrongTime(t *testing.T) {
	for _, ahead := range hoursOff {
		for _, fanOut := range []bool{false, true} {
			bubble(t, 1, func(w *world) {
				cfg := w.config()
				cfg.Kinesis, cfg.Streams[0].Start, cfg.Streams[0].FanOut = &oneDate{KinesisAPI: w.client, ahead: ahead}, Latest, fanOut
				run := w.start(cfg)
				time.Sleep(10 * time.Second)
				w.putPlain(keys(10)...)
				began := time.Now()
				w.awaitAll()
				if took := time.Since(began); took > 3*time.Minute {
					w.Errorf("the listing was dated %v ahead: handled after %v", ahead, took)
				}
				run.mustEnd()
				run = w.start(cfg)
				w.putPlain(keys(10)...)
				w.awaitAll()
				run.mustEnd()
				w.verify()
			})
		}
	}
}

func TestAStartInTheFutureIsWaitedFor(t *testing.T) {
	mark := newBookmark(cursor{kind: types.ShardIteratorTypeAtTimestamp, at: time.Now().Add(time.Hour)})
	bubble(t, 1, func(w *world) {
		for range 100 {
			if mark.refuse() {
				t.Error("records may be lost")
			}
			time.Sleep(time.Minute)
		}
	})
	if mark.open != mark.origin {
		t.Errorf("reading goes on at %+v", mark.open)
	}
}

func TestAWrongClockPutsRecordsIntoTheSinkAndLosesNone(t *testing.T) {
	for _, ahead := range hoursOff {
		bubble(t, 1, func(w *world) {
			sink := &grave{}
			cfg := w.config()
			cfg.Kinesis = &offService{w.client, ahead}
			cfg.Failure = Failure{MaxAge: time.Hour, Then: SendToDeadLetter, DeadLetter: sink}
			run := w.start(cfg)
			w.putPlain(keys(10)...)
			w.await("all records handled, or in the sink", func() bool { return w.seen.count()+sink.count() == w.put })
			run.mustEnd()
			if handled := w.seen.count(); ahead > 0 && handled != w.put || ahead < 0 && handled != 0 {
				t.Errorf("the service's clock is %v ahead: %d of %d records handled", ahead, handled, w.put)
			}
		})
	}
}

func TestALagNearTheRetentionIsReportedInTimeThoughTheClockIsBehind(t *testing.T) {
	for ahead, latest := range map[time.Duration]time.Duration{6 * time.Hour: 20 * time.Hour, 30 * time.Hour: 20 * time.Hour, -6 * time.Hour: 14 * time.Hour} {
		bubble(t, 1, func(w *world) {
			hold := newGate()
			began := time.Now()
			warned := make(chan time.Duration, 100)
			cfg := w.config()
			cfg.Kinesis, cfg.FailoverTime = &offService{w.client, ahead}, 10*time.Minute // days have very many renewals otherwise
			cfg.Handler = HandlerFunc(func(ctx context.Context, _ *Batch) error { return hold.pass(ctx) })
			cfg.Hooks.NearRetention = func(NearRetention) { warned <- time.Since(began) }
			run := w.start(cfg)
			w.putPlain(stuckKey)
			if after := <-warned; after > latest {
				t.Errorf("the service's clock is %v ahead: the first warning came after %v", ahead, after)
			}
			close(hold.open)
			run.mustEnd()
		})
	}
}
