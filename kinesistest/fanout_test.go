package kinesistest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var fromHorizon = types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}
var fromLatest = types.StartingPosition{Type: types.ShardIteratorTypeLatest}

func TestSubscriptionDeliversOldAndNewRecordsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.fill(3)
		es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		defer es.Close()
		ev, _ := event(es)
		if got := data(ev.Records); !slices.Equal(got, []string{"0", "1", "2"}) || *ev.MillisBehindLatest != 0 {
			t.Fatalf("got %v, %d behind", got, *ev.MillisBehindLatest)
		}
		if *ev.ContinuationSequenceNumber != *ev.Records[2].SequenceNumber {
			t.Fatalf("continuation %s, last record %s", *ev.ContinuationSequenceNumber, *ev.Records[2].SequenceNumber)
		}
		synctest.Wait() // the subscription is idle
		start := time.Now()
		r.put("k", "new")
		ev, _ = event(es)
		if got := data(ev.Records); !slices.Equal(got, []string{"new"}) || !time.Now().Equal(start) {
			t.Fatalf("got %v after %s", got, time.Since(start))
		}
	})
}

func TestIdleSubscriptionBeatsAndEndsAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.put("k", "old")
		es, err := r.subscribe(r.register("reader"), shardID(0), fromLatest)
		must(t, err)
		defer es.Close()
		start, events, last := time.Now(), 0, number("0")
		for {
			ev, ok := event(es)
			if !ok {
				break
			}
			events++
			if len(ev.Records) != 0 || *ev.MillisBehindLatest != 0 {
				t.Fatalf("records %v", data(ev.Records))
			}
			next := number(*ev.ContinuationSequenceNumber)
			if next.Cmp(last) <= 0 {
				t.Fatalf("continuation %s after %s", next, last)
			}
			last = next
		}
		if err := es.Err(); err != nil {
			t.Fatalf("ended with %v", err)
		}
		if d := time.Since(start); d != 5*time.Minute {
			t.Errorf("ended after %s", d)
		}
		if events != 60 && events != 61 { // one is due in the moment of the end
			t.Errorf("%d events", events)
		}
	})
}

func TestSubscriptionGoesOnFromEveryContinuationNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		arn := r.register("reader")
		resume := func(pos types.StartingPosition) types.SubscribeToShardEvent {
			es, err := r.subscribe(arn, shardID(0), pos)
			must(t, err)
			defer es.Close()
			ev, ok := event(es)
			if !ok {
				t.Fatal("no event")
			}
			time.Sleep(6 * time.Second)
			return ev
		}
		ev := resume(fromLatest) // of an empty shard
		r.put("k", "0")
		for i, kind := range []types.ShardIteratorType{
			types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber,
		} {
			got := resume(types.StartingPosition{Type: kind, SequenceNumber: ev.ContinuationSequenceNumber})
			if want := []string{"0"}; !slices.Equal(data(got.Records), want) {
				t.Fatalf("round %d: %s went on with %v", i, kind, data(got.Records))
			}
		}
		ev = resume(fromLatest) // behind a record
		r.put("k", "1")
		for _, kind := range []types.ShardIteratorType{
			types.ShardIteratorTypeAtSequenceNumber, types.ShardIteratorTypeAfterSequenceNumber,
		} {
			got := resume(types.StartingPosition{Type: kind, SequenceNumber: ev.ContinuationSequenceNumber})
			if want := []string{"1"}; !slices.Equal(data(got.Records), want) {
				t.Fatalf("%s went on with %v", kind, data(got.Records))
			}
		}
	})
}

func TestSubscriptionFollowsAShardToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.fill(2500)
		es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		defer es.Close()
		n := 0
		for n < 2500 {
			ev, _ := event(es)
			for _, d := range data(ev.Records) {
				if d != fmt.Sprint(n) {
					t.Fatalf("record %s, want %d", d, n)
				}
				n++
			}
			if tip := n == 2500; (*ev.MillisBehindLatest == 0) != tip || len(ev.ChildShards) != 0 {
				t.Fatalf("%d behind after %d records", *ev.MillisBehindLatest, n)
			}
		}
		must(t, r.split(0, middle))
		ev, _ := event(es)
		if ev.ContinuationSequenceNumber != nil || len(ev.ChildShards) != 2 || *ev.ChildShards[1].ShardId != shardID(2) {
			t.Fatalf("last event: continuation %v, children %v", ev.ContinuationSequenceNumber, ev.ChildShards)
		}
		if _, ok := event(es); ok || es.Err() != nil {
			t.Fatalf("the stream went on, or ended with %v", es.Err())
		}
	})
}

func TestSecondSubscriptionIsRefusedForFiveSecondsAndThenTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		arn := r.register("reader")
		first, err := r.subscribe(arn, shardID(0), fromLatest)
		must(t, err)
		defer first.Close()
		event(first)

		other, err := r.subscribe(arn, shardID(1), fromLatest) // another shard is no concern
		must(t, err)
		defer other.Close()

		time.Sleep(5*time.Second - time.Millisecond)
		_, err = r.subscribe(arn, shardID(0), fromLatest)
		wantCode(t, err, "ResourceInUseException")

		time.Sleep(time.Millisecond)
		second, err := r.subscribe(arn, shardID(0), fromLatest)
		must(t, err)
		defer second.Close()
		for {
			if _, ok := event(first); !ok {
				break
			}
		}
		var inUse *types.ResourceInUseException
		if !errors.As(first.Err(), &inUse) {
			t.Fatalf("the first subscription ended with %v", first.Err())
		}
		event(second)
		synctest.Wait()
		r.put("a", "x") // to shard 0
		if ev, ok := event(second); !ok || len(ev.Records) != 1 {
			t.Fatalf("the second subscription got %v", data(ev.Records))
		}
	})
}

func TestSubscribeRefusesBadInputBeforeTheStreamStarts(t *testing.T) {
	r := newRig(t, 1)
	arn := r.register("reader")
	for _, c := range []struct {
		name string
		in   kinesis.SubscribeToShardInput
		code string
	}{
		{"no such consumer", kinesis.SubscribeToShardInput{ConsumerARN: aws.String(*ordersARN + "/consumer/x:1")}, "ResourceNotFoundException"},
		{"an ARN of a stream", kinesis.SubscribeToShardInput{ConsumerARN: ordersARN}, "ValidationException"},
		{"no such shard", kinesis.SubscribeToShardInput{ShardId: aws.String(shardID(5))}, "ResourceNotFoundException"},
		{"no sequence number", kinesis.SubscribeToShardInput{StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeAtSequenceNumber}}, "InvalidArgumentException"},
		{"dry run", kinesis.SubscribeToShardInput{DryRun: aws.Bool(true)}, "DryRunOperationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.in.ConsumerARN == nil {
				c.in.ConsumerARN = arn
			}
			if c.in.ShardId == nil {
				c.in.ShardId = aws.String(shardID(0))
			}
			if c.in.StartingPosition == nil {
				c.in.StartingPosition = &fromLatest
			}
			_, err := r.SubscribeToShard(t.Context(), &c.in, ownProtocol)
			wantCode(t, err, c.code)
		})
	}
}

func TestSubscriptionEndsWithItsConsumerItsStreamItsClientAndItsServer(t *testing.T) {
	for name, end := range map[string]func(r *rig, arn *string, cancel func()){
		"consumer": func(r *rig, arn *string, _ func()) {
			_, err := r.DeregisterStreamConsumer(r.ctx(), &kinesis.DeregisterStreamConsumerInput{ConsumerARN: arn})
			must(r.t, err)
		},
		"stream": func(r *rig, _ *string, _ func()) {
			_, err := r.DeleteStream(r.ctx(), &kinesis.DeleteStreamInput{StreamName: r.stream, EnforceConsumerDeletion: aws.Bool(true)})
			must(r.t, err)
		},
		"client": func(_ *rig, _ *string, cancel func()) { cancel() },
		"server": func(r *rig, _ *string, _ func()) { must(r.t, r.srv.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				arn := r.register("reader")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				es, err := subscribeWith(ctx, r.Client, arn, shardID(0), fromLatest)
				must(t, err)
				defer es.Close()
				event(es)
				synctest.Wait()
				start := time.Now()
				end(r, arn, cancel)
				if _, ok := event(es); ok {
					t.Fatal("one more event")
				}
				if time.Since(start) != 0 {
					t.Errorf("it took %s", time.Since(start))
				}
				var gone *types.ResourceNotFoundException
				wantGone := name == "consumer" || name == "stream"
				if errors.As(es.Err(), &gone) != wantGone {
					t.Errorf("ended with %v", es.Err())
				}
			})
		})
	}
}

func TestClosedServerIsNotHeldUpByAClientThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		es, err := r.subscribe(r.register("reader"), shardID(0), fromLatest)
		must(t, err)
		defer es.Close()
		r.fill(100)
		time.Sleep(time.Minute) // events pile up to the bound of the stream: one
		must(t, r.srv.Close())
		_, err = r.ListStreams(t.Context(), &kinesis.ListStreamsInput{})
		if err == nil {
			t.Fatal("a closed server answered")
		}
	})
}
