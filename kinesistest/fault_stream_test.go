package kinesistest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// The first event of a subscription carries what is there, the later ones are heartbeats. The SDK takes a broken connection for the
// end of the subscription, but tells that a checksum is wrong.
func TestSubscriptionsBreakInTheMiddleOfAnEvent(t *testing.T) {
	for name, do := range map[string]kinesistest.Effect{"truncated": kinesistest.Truncate(2), "corrupt": kinesistest.Corrupt(2)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				in := r.srv.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Shard: shardID(0), Count: 1, Do: do})
				arn := r.register("reader")
				es, err := r.subscribe(arn, shardID(0), fromHorizon)
				must(t, err)
				events := 0
				for _, ok := event(es); ok; _, ok = event(es) {
					events++
				}
				if told := es.Err() != nil; events != 2 || told != (name == "corrupt") {
					t.Errorf("%d events, then %v", events, es.Err())
				}
				_ = es.Close()
				wantFired(t, in, 1)
				time.Sleep(time.Minute)
				whole, err := r.subscribe(arn, shardID(0), fromHorizon)
				must(t, err)
				defer whole.Close()
				for range 5 {
					if _, ok := event(whole); !ok {
						t.Fatalf("the next subscription broke too: %v", whole.Err())
					}
				}
			})
		})
	}
}

func TestASubscriptionEndsWithAnException(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.srv.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Do: kinesistest.FailLate(1, "InternalFailureException", "sorry")})
		es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		defer es.Close()
		if _, ok := event(es); !ok {
			t.Fatalf("no event: %v", es.Err())
		}
		if ev, ok := event(es); ok {
			t.Errorf("got %v", ev)
		}
		var internal *types.InternalFailureException
		if !errors.As(es.Err(), &internal) || internal.ErrorMessage() != "sorry" {
			t.Errorf("got %v", es.Err())
		}
	})
}

func TestASilentSubscriptionStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.put("k", "heard")
		r.srv.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Do: kinesistest.Silence(1)})
		es, err := r.subscribe(r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		ev, _ := event(es)
		if got := data(ev.Records); !slices.Equal(got, []string{"heard"}) {
			t.Fatalf("got %v", got)
		}
		r.put("k", "unheard")
		select {
		case ev, ok := <-es.Events():
			t.Errorf("got %v, %v", ev, ok)
		case <-time.After(time.Hour): // no heartbeat, and not even the end after five minutes
		}
		must(t, es.Close())
	})
}

func TestASubscriptionWhoseReplyIsDroppedCountsAsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.srv.Inject(kinesistest.Fault{Operation: "SubscribeToShard", Count: 1, Do: kinesistest.DropReply()})
		arn := r.register("reader")
		if _, err := r.subscribe(arn, shardID(0), fromHorizon); err == nil {
			t.Error("the client did not notice")
		}
		_, err := r.subscribe(arn, shardID(0), fromHorizon)
		wantCode(t, err, "ResourceInUseException")
	})
}

func TestAPartitionedCallerIsHeldUntilItHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		cut := kinesis.New(r.srv.As("worker-1").Kinesis().Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
		put := func(ctx context.Context, data string) error {
			_, err := cut.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte(data)})
			return err
		}
		must(t, put(t.Context(), "before"))
		heal := r.srv.Partition("worker-1", "worker-2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := put(ctx, "given up"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		patient := make(chan error)
		go func() { patient <- put(t.Context(), "held") }()
		synctest.Wait()
		must(t, r.try(t.Context(), "another's")) // who is not cut off
		heal()
		must(t, <-patient)
		must(t, put(t.Context(), "after"))
		heal() // again is no error
		r.wantStored("before", "another's", "held", "after")
	})
}

func TestAPartitionHoldsSubscriptionsAndRepliesThatAreUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		cut := r.srv.As("worker-1").Kinesis()
		es, err := subscribeWith(t.Context(), cut, r.register("reader"), shardID(0), fromHorizon)
		must(t, err)
		defer es.Close()
		event(es)
		r.onPut(kinesistest.Delay(0, time.Second))
		reply := make(chan error, 1)
		go func() {
			_, err := cut.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("x")})
			reply <- err
		}()
		synctest.Wait()
		heal := r.srv.Partition("worker-1")
		time.Sleep(time.Minute)
		synctest.Wait()
		// One event may have been on its way when the network broke.
		for len(es.Events()) > 0 {
			event(es)
		}
		select {
		case err := <-reply:
			t.Errorf("the reply arrived: %v", err)
		default:
		}
		r.wantStored("x") // though the service has acted
		heal()
		must(t, <-reply)
		if _, ok := event(es); !ok {
			t.Errorf("the subscription ended: %v", es.Err())
		}
	})
}
