package kinesistest_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/kinesistest"
)

const (
	tooFast = "ProvisionedThroughputExceededException"
	tooMany = "LimitExceededException"
)

// limited makes a rig that is held to the service's limits on shards, in a bubble.
func limited(t *testing.T, shards int32, test func(*rig)) {
	synctest.Test(t, func(t *testing.T) {
		test(newRig(t, shards, kinesistest.WithLimits(kinesistest.Limits{Shards: 1})))
	})
}

// offer puts n records of the given size, key included, in requests of at most 500, and returns how many were stored.
func (r *rig) offer(n, size int) (stored int) {
	r.t.Helper()
	for n > 0 {
		in := &kinesis.PutRecordsInput{StreamName: r.stream}
		for ; n > 0 && len(in.Records) < 500 && (len(in.Records)+1)*size <= 10<<20; n-- {
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: make([]byte, size-1)})
		}
		out, err := r.PutRecords(r.ctx(), in)
		must(r.t, err)
		failed := 0
		for _, e := range out.Records {
			if e.ErrorCode == nil {
				stored++
				continue
			}
			failed++
			if *e.ErrorCode != tooFast || e.SequenceNumber != nil || e.ShardId != nil {
				r.t.Fatalf("result %+v", e)
			}
		}
		if int(*out.FailedRecordCount) != failed {
			r.t.Fatalf("%d failed, the reply says %d", failed, *out.FailedRecordCount)
		}
	}
	return stored
}

func (r *rig) wantTaken(n, size, want int) {
	r.t.Helper()
	if got := r.offer(n, size); got != want {
		r.t.Errorf("of %d records of %d bytes %d were stored, want %d", n, size, got, want)
	}
}

func TestNothingIsLimitedUnlessAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.wantTaken(3000, 1<<10, 3000)
		for range 50 {
			r.get(r.iterator(shardID(0), types.ShardIteratorTypeLatest))
			_, err := r.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{})
			must(t, err)
		}
	})
}

func TestAShardTakesAThousandRecordsASecond(t *testing.T) {
	limited(t, 1, func(r *rig) {
		r.wantTaken(1500, 100, 1000)
		time.Sleep(100 * time.Millisecond)
		r.wantTaken(500, 100, 100)
		time.Sleep(time.Hour) // no more than a second's worth is saved up
		r.wantTaken(1500, 100, 1000)
	})
}

func TestAShardTakesAMebibyteASecond(t *testing.T) {
	limited(t, 1, func(r *rig) {
		r.wantTaken(40, 32<<10, 32)
		time.Sleep(500 * time.Millisecond)
		r.wantTaken(20, 32<<10, 16)
	})
}

func TestOnlyTheRecordsOfAFullShardFail(t *testing.T) {
	limited(t, 2, func(r *rig) {
		in := &kinesis.PutRecordsInput{StreamName: r.stream}
		for i := range 20 { // 1.25 MiB for the first shard, every other record a small one for the second
			in.Records = append(in.Records,
				types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), ExplicitHashKey: aws.String("0"), Data: make([]byte, 64<<10-1)},
				types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), ExplicitHashKey: aws.String(middle), Data: []byte(fmt.Sprint(i))})
		}
		out, err := r.PutRecords(r.ctx(), in)
		must(r.t, err)
		if *out.FailedRecordCount != 4 {
			r.t.Errorf("%d records failed", *out.FailedRecordCount)
		}
		const message = "Rate exceeded for shard shardId-000000000000 in stream orders under account 123456789012."
		for i, e := range out.Records {
			if want := i%2 == 0 && i >= 32; (e.ErrorCode != nil) != want || want && *e.ErrorMessage != message {
				r.t.Errorf("record %d: %s", i, aws.ToString(e.ErrorMessage))
			}
		}
	})
}

func TestAPutToAFullShardFailsAsAWhole(t *testing.T) {
	limited(t, 1, func(r *rig) {
		r.wantTaken(1000, 10, 1000)
		_, err := r.PutRecord(r.ctx(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("x")})
		wantCode(r.t, err, tooFast)
	})
}

func TestLargeRecordsDrawOnASavedUpBurst(t *testing.T) {
	limited(t, 1, func(r *rig) {
		_, err := r.UpdateMaxRecordSize(r.ctx(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: r.arn(), MaxRecordSizeInKiB: aws.Int32(10240)})
		must(r.t, err)
		r.wantTaken(1, 10<<20, 1)
		r.wantTaken(1, 1000, 0)
		time.Sleep(time.Second)
		r.wantTaken(1, 2<<20, 0)
		r.wantTaken(2, 1<<20, 1)
		time.Sleep(9 * time.Second)
		r.wantTaken(1, 10<<20, 0)
		time.Sleep(time.Second)
		r.wantTaken(1, 10<<20, 1)
	})
}

func TestAnOnDemandStreamGrowsWhenItRefusesRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Shards: 1}), kinesistest.WithTransitionTime(time.Minute))
		r.createOnDemand("more")
		time.Sleep(time.Minute)
		synctest.Wait()
		open := func(stream string, want int32) {
			t.Helper()
			r.stream = &stream
			if s := r.summary(); *s.OpenShardCount != want {
				t.Errorf("stream %s is %s with %d shards, want %d", stream, s.StreamStatus, *s.OpenShardCount, want)
			}
		}
		open("more", 4)
		r.wantTaken(2000, 10, 1000) // all with one key
		if s := r.summary(); s.StreamStatus != "UPDATING" {
			t.Errorf("the stream is %s", s.StreamStatus)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		open("more", 8)
		r.wantTaken(2000, 10, 1000)
		time.Sleep(13 * time.Minute)
		synctest.Wait()
		open("more", 8)
		r.wantTaken(1000, 10, 1000)
		open("more", 8)
		time.Sleep(time.Minute)
		r.wantTaken(2000, 10, 1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		open("more", 16)

		open("orders", 1)
		r.wantTaken(2000, 10, 1000)
		time.Sleep(time.Minute)
		synctest.Wait()
		open("orders", 1) // provisioned
	})
}

func TestScaledLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Shards: 0.01}))
		r.wantTaken(50, 100, 10)
		time.Sleep(time.Second)
		r.wantTaken(1, 1<<20, 1) // more than a second's worth, of a full shard
		time.Sleep(99 * time.Second)
		r.wantTaken(1, 1<<20, 0)
		time.Sleep(time.Second)
		r.wantTaken(1, 1<<20, 1)

		r.srv.SetLimits(kinesistest.Limits{})
		r.wantTaken(3000, 100, 3000)
		r.srv.SetLimits(kinesistest.ServiceLimits)
		time.Sleep(time.Hour)
		r.wantTaken(3000, 100, 1000)
	})
}

// calls makes calls until one is refused with the code and returns how many passed.
func calls(t testing.TB, code string, call func() error) int {
	t.Helper()
	for n := 0; ; n++ {
		err := call()
		var api smithy.APIError
		if errors.As(err, &api) && api.ErrorCode() == code {
			return n
		}
		must(t, err)
		if n > 2000 {
			t.Fatal("no call is refused")
		}
	}
}

func TestAShardAnswersFiveReadsASecond(t *testing.T) {
	limited(t, 2, func(r *rig) {
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		read := func() error {
			_, err := r.GetRecords(r.ctx(), &kinesis.GetRecordsInput{ShardIterator: it})
			return err
		}
		if n := calls(r.t, tooFast, read); n != 5 {
			r.t.Errorf("%d calls passed at once", n)
		}
		time.Sleep(400 * time.Millisecond)
		if n := calls(r.t, tooFast, read); n != 2 {
			r.t.Errorf("%d calls passed after 400 ms", n)
		}
		r.get(r.iterator(shardID(1), types.ShardIteratorTypeTrimHorizon)) // the other one is not affected
	})
}

// silence returns how long the shard refuses reads from now on.
func (r *rig) silence(it *string) time.Duration {
	r.t.Helper()
	start := time.Now()
	for {
		_, err := r.GetRecords(r.ctx(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)})
		if err == nil {
			return time.Since(start)
		}
		wantCode(r.t, err, tooFast)
		time.Sleep(50 * time.Millisecond)
	}
}

func TestAReadOfTenMebibytesSilencesTheShardForFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.wantTaken(200, 100<<10, 200)
		r.srv.SetLimits(kinesistest.ServiceLimits)
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		read := func(limit int32) {
			_, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: &limit})
			must(t, err)
		}
		for limit, want := range map[int32]time.Duration{
			10000: 5 * time.Second,
			20:    0,                       // 1.95 MiB: within a second's worth
			25:    time.Second,             // 2.44 MiB
			60:    1950 * time.Millisecond, // 5.86 MiB: 3.86 too many
		} {
			time.Sleep(time.Hour)
			it = r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
			read(limit)
			if got := r.silence(it); got != want {
				t.Errorf("after a read of %d records of 100 KiB the shard is silent for %s, want %s", limit, got, want)
			}
		}
	})
}

func TestAShardGivesFiveIteratorsASecond(t *testing.T) {
	limited(t, 1, func(r *rig) {
		get := func() error {
			_, err := r.GetShardIterator(r.ctx(), &kinesis.GetShardIteratorInput{
				StreamName: r.stream, ShardId: aws.String(shardID(0)), ShardIteratorType: types.ShardIteratorTypeLatest,
			})
			return err
		}
		if n := calls(r.t, tooFast, get); n != 5 {
			r.t.Errorf("%d calls passed at once", n)
		}
		time.Sleep(time.Second)
		must(r.t, get())
	})
}

func TestASubscriptionGetsTwoMebibytesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.wantTaken(100, 100<<10, 100)
		r.srv.SetLimits(kinesistest.ServiceLimits)
		es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		defer es.Close()
		start, got := time.Now(), 0
		for got < 100 {
			ev, _ := event(es)
			got += len(ev.Records)
		}
		// 9.77 MiB, two of which are there at once; the last event is not waited for.
		if d := time.Since(start); d < 3*time.Second || d > 4*time.Second {
			t.Errorf("it took %s", d)
		}
	})
}

func TestAConsumerMaySubscribeToAShardOnceASecond(t *testing.T) {
	limited(t, 1, func(r *rig) {
		arn := r.register("reader")
		subscribe := func() error {
			es, err := r.subscribe(arn, shardID(0), fromLatest)
			if err == nil {
				r.t.Cleanup(func() { _ = es.Close() })
			}
			return err
		}
		must(r.t, subscribe())
		wantCode(r.t, subscribe(), tooMany)
		time.Sleep(time.Second)
		wantCode(r.t, subscribe(), "ResourceInUseException")
		time.Sleep(4 * time.Second)
		must(r.t, subscribe())
	})
}

func TestOperationsHaveTheirRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, kinesistest.WithLimits(kinesistest.ServiceLimits))
		arn := r.register("reader")
		for name, c := range map[string]struct {
			call func() error
			want int
		}{
			"ListStreams": {func() error { _, err := r.ListStreams(t.Context(), &kinesis.ListStreamsInput{}); return err }, 5},
			"DescribeStream": {func() error {
				_, err := r.DescribeStream(t.Context(), &kinesis.DescribeStreamInput{StreamName: r.stream})
				return err
			}, 10},
			"DescribeStreamSummary": {func() error {
				_, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
				return err
			}, 20},
			"DescribeStreamConsumer": {func() error {
				_, err := r.DescribeStreamConsumer(t.Context(), &kinesis.DescribeStreamConsumerInput{ConsumerARN: arn})
				return err
			}, 20},
			"ListShards": {func() error {
				_, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream})
				return err
			}, 1000},
			"DescribeLimits": {func() error { _, err := r.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{}); return err }, 1},
		} {
			time.Sleep(time.Hour)
			if n := calls(t, tooMany, c.call); n != c.want {
				t.Errorf("%s: %d calls passed at once, want %d", name, n, c.want)
			}
			time.Sleep(time.Second)
			if n := calls(t, tooMany, c.call); n != c.want {
				t.Errorf("%s: %d calls passed a second later, want %d", name, n, c.want)
			}
		}
	})
}

func TestAStreamIsScaledTenTimesADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2, kinesistest.WithLimits(kinesistest.Limits{Operations: 1}))
		n := int32(2)
		scale := func() error {
			time.Sleep(time.Minute)
			n = 5 - n
			_, err := r.UpdateShardCount(t.Context(), &kinesis.UpdateShardCountInput{
				StreamName: r.stream, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling,
			})
			return err
		}
		if n := calls(t, tooMany, scale); n != 10 {
			t.Errorf("it was scaled %d times", n)
		}
		time.Sleep(24*time.Hour - 10*time.Minute)
		must(t, scale())
	})
}

func TestAnAccountHasFiftyOnDemandStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Operations: 1}))
		i := 0
		create := func() error {
			time.Sleep(time.Second)
			i++
			_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
				StreamName: aws.String(fmt.Sprint("s", i)), StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
			})
			return err
		}
		if n := calls(t, tooMany, create); n != 50 {
			t.Errorf("%d streams were created", n)
		}
		time.Sleep(time.Second)
		_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("provisioned"), ShardCount: aws.Int32(1)})
		must(t, err)
	})
}

func TestFewStreamsAndConsumersAreInTheMakingAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Operations: 1}), kinesistest.WithTransitionTime(time.Minute))
		i := 0
		create := func() error {
			time.Sleep(time.Second)
			i++
			_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(fmt.Sprint("s", i)), ShardCount: aws.Int32(1)})
			return err
		}
		if n := calls(t, tooMany, create); n != 4 { // and the rig's own
			t.Errorf("%d streams are being created", n)
		}
		time.Sleep(time.Hour)
		arn := r.arn()
		register := func() error {
			time.Sleep(time.Second)
			i++
			_, err := r.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: aws.String(fmt.Sprint("c", i))})
			return err
		}
		if n := calls(t, tooMany, register); n != 5 {
			t.Errorf("%d consumers are being created", n)
		}
	})
}
