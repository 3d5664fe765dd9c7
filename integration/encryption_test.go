package integration

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/producer"
)

const key = "alias/orders"

// brokenKeys are what an operator has to mend. A key that KMS throttles mends itself.
var brokenKeys = []kinesistest.KeyState{
	kinesistest.KeyDenied, kinesistest.KeyDisabled, kinesistest.KeyInvalidState, kinesistest.KeyNotFound, kinesistest.KeyOptInNeeded,
}

func (a *account) encrypt() {
	a.t.Helper()
	_, err := a.srv.Kinesis().StartStreamEncryption(a.t.Context(), &kinesis.StartStreamEncryptionInput{
		StreamName: aws.String(stream), EncryptionType: "KMS", KeyId: aws.String(key),
	})
	must(a.t, err)
}

func TestRecordsFailAtOnceWhileTheKeyIsBrokenAndSayWhy(t *testing.T) {
	for _, state := range brokenKeys {
		t.Run(string(state), func(t *testing.T) {
			inAccount(t, func(a *account) {
				a.encrypt()
				a.srv.SetKeyState(key, state)
				began := time.Now()
				for _, res := range a.tryProduce(5, nil) {
					var failed *producer.FailedError
					if !errors.Is(res.Err, producer.ErrEncryption) || !errors.As(res.Err, &failed) || failed.Code != string(state) || failed.MaybeStored {
						t.Errorf("got %v", res.Err)
					}
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %v", took)
				}
				a.srv.SetKeyState(key, kinesistest.KeyWorks)
				a.produce(5)
			})
		})
	}
}

func TestRecordsWaitForAKeyThatIsThrottled(t *testing.T) {
	inAccount(t, func(a *account) {
		a.encrypt()
		a.srv.SetKeyState(key, kinesistest.KeyThrottled)
		mended := time.AfterFunc(3*time.Second, func() { a.srv.SetKeyState(key, kinesistest.KeyWorks) })
		defer mended.Stop()
		for _, res := range a.tryProduce(5, func(cfg *producer.Config) { cfg.TTL = time.Minute }) {
			if res.Err != nil || len(res.Attempts) < 2 || res.Attempts[0].Code != string(kinesistest.KeyThrottled) {
				t.Errorf("got %v after %v", res.Err, res.Attempts)
			}
		}
	})
}

// A worker that gave its leases up over a key would only hand the trouble on. It keeps them, tries seldom, tells, and goes on.
func TestReadersKeepTheirPlaceUntilTheKeyIsMended(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		for _, state := range append(brokenKeys, kinesistest.KeyThrottled) {
			t.Run(string(state), func(t *testing.T) {
				inAccount(t, func(a *account) { a.breakAndMend(state, fanOut) })
			})
		}
	}
}

func (a *account) breakAndMend(state kinesistest.KeyState, fanOut bool) {
	a.encrypt()
	var mu sync.Mutex
	var told []error
	acquired := 0
	f := &fleet{a: a}
	f.start(func(cfg *consumer.Config) {
		cfg.Streams[0].FanOut = fanOut
		cfg.Hooks.FetchFailed = func(_ consumer.Shard, err error) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, err)
		}
		cfg.Hooks.StateChanged = func(_ consumer.Shard, _, to consumer.State) {
			mu.Lock()
			defer mu.Unlock()
			if to == consumer.Reading {
				acquired++
			}
		}
	})
	a.produce(20)
	time.Sleep(time.Minute)
	a.srv.SetKeyState(key, state)
	time.Sleep(10 * time.Minute)
	a.srv.SetKeyState(key, kinesistest.KeyWorks)
	a.produce(20)
	time.Sleep(time.Minute)
	f.end()
	if got := a.handled.Load(); got != 40 {
		a.t.Errorf("%d of 40 records handled", got)
	}
	if acquired != 2 {
		a.t.Errorf("two shards were opened %d times", acquired)
	}
	if len(told) == 0 || len(told) > 200 {
		a.t.Errorf("told %d times in ten minutes", len(told))
	}
	for _, err := range told {
		a.checkTold(state, err)
	}
}

func (a *account) checkTold(state kinesistest.KeyState, err error) {
	a.t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		a.t.Errorf("told %v", err)
		return
	}
	switch api.ErrorCode() {
	case "ResourceInUseException", "ExpiredIteratorException": // subscriptions that followed too soon, iterators that outlived the break
		return
	}
	if api.ErrorCode() != string(state) {
		a.t.Errorf("told %v", err)
	}
	if passing := state == kinesistest.KeyThrottled; errors.Is(err, consumer.ErrEncryption) == passing {
		a.t.Errorf("told %v", err)
	}
}
