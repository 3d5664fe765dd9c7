package kinesistest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// try puts one record and returns the error.
func (r *rig) try(ctx context.Context, data string) error {
	_, err := r.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte(data)})
	return err
}

// stored returns the data of everything in the first shard.
func (r *rig) stored() []string {
	r.t.Helper()
	return data(r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records)
}

func (r *rig) wantStored(want ...string) {
	r.t.Helper()
	if got := r.stored(); !slices.Equal(got, want) {
		r.t.Errorf("stored %q, want %q", got, want)
	}
}

func wantFired(t *testing.T, in *kinesistest.Injection, n int) {
	t.Helper()
	if got := in.Fired(); got != n {
		t.Errorf("the fault fired %d times, want %d", got, n)
	}
}

// onPut injects an effect into every PutRecord.
func (r *rig) onPut(do kinesistest.Effect) *kinesistest.Injection {
	return r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Do: do})
}

func TestFailAnswersWithTheErrorAndStoresNothing(t *testing.T) {
	r := newRig(t, 1)
	in := r.onPut(kinesistest.Fail(http.StatusInternalServerError, "InternalFailure", "sorry"))
	err := r.try(t.Context(), "lost")
	wantCode(t, err, "InternalFailure")
	var reply *awshttp.ResponseError
	if !errors.As(err, &reply) || reply.HTTPStatusCode() != http.StatusInternalServerError {
		t.Errorf("got %v", err)
	}
	wantFired(t, in, 1)
	in.Remove()
	must(t, r.try(t.Context(), "kept"))
	wantFired(t, in, 1)
	r.wantStored("kept")
}

func TestFailSpeaksTheFormatOfTheRequest(t *testing.T) {
	srv := kinesistest.New()
	defer srv.Close()
	srv.Inject(kinesistest.Fault{Do: kinesistest.Fail(http.StatusServiceUnavailable, "ServiceUnavailable", "")})
	for contentType, start := range map[string]string{
		"application/x-amz-json-1.1": `{"__type":"ServiceUnavailable"`,
		"application/x-amz-cbor-1.1": "\xbf\x66__type\x72ServiceUnavailable",
	} {
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, rawRequest(t.Context(), "ListStreams", contentType, nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Content-Type") != contentType || !strings.HasPrefix(w.Body.String(), start) {
			t.Errorf("%d %s %q", w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}

func TestSkipAndCountChooseCalls(t *testing.T) {
	r := newRig(t, 1)
	in := r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Skip: 1, Count: 2, Do: kinesistest.Throttle()})
	for i, data := range []string{"0", "1", "2", "3", "4"} {
		err := r.try(t.Context(), data)
		if i == 1 || i == 2 {
			var throttled *types.ProvisionedThroughputExceededException
			if !errors.As(err, &throttled) {
				t.Errorf("call %d: %v", i, err)
			}
			continue
		}
		must(t, err)
	}
	wantFired(t, in, 2)
	r.wantStored("0", "3", "4")
}

func TestChanceIsTheSameForTheSameSeed(t *testing.T) {
	pattern := func(seed uint64) (out []bool) {
		r := newRig(t, 1)
		r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Probability: 0.3, Seed: seed, Do: kinesistest.Throttle()})
		for range 200 {
			out = append(out, r.try(t.Context(), "x") != nil)
		}
		return out
	}
	first, again, other := pattern(1), pattern(1), pattern(2)
	if !slices.Equal(first, again) {
		t.Error("the same seed gave another pattern")
	}
	if slices.Equal(first, other) {
		t.Error("two seeds gave one pattern")
	}
	hurt := 0
	for _, h := range first {
		if h {
			hurt++
		}
	}
	if hurt < 40 || hurt > 80 {
		t.Errorf("%d of 200 calls were hurt, want about 60", hurt)
	}
}

func TestDelayWaitsOnBothSidesOfTheEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		in := r.onPut(kinesistest.Delay(2*time.Second, 3*time.Second))
		start := time.Now()
		must(t, r.try(t.Context(), "late"))
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %s", took)
		}
		arrived := *r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records[0].ApproximateArrivalTimestamp
		if after := arrived.Sub(start); after != 2*time.Second {
			t.Errorf("stored after %s", after)
		}
		for _, patience := range []time.Duration{time.Second, 4 * time.Second} { // ends in the first wait, and in the second
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if err := r.try(ctx, patience.String()); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		wantFired(t, in, 3)
		r.wantStored("late", "4s")
	})
}

func TestHangEndsWithTheRequestAndStoresNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.onPut(kinesistest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := r.try(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		r.wantStored()
	})
}

func TestCloseEndsWhatHangs(t *testing.T) {
	for name, begin := range map[string]func(r *rig){
		"Hang":      func(r *rig) { r.onPut(kinesistest.Hang()) },
		"Silence":   func(r *rig) { r.onPut(kinesistest.Silence(0)) },
		"Delay":     func(r *rig) { r.onPut(kinesistest.Delay(0, -1)) },
		"Partition": func(r *rig) { r.srv.Partition("worker-1") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.Client = kinesis.New(r.Options(), func(o *kinesis.Options) { o.HTTPClient = r.srv.As("worker-1").HTTPClient() })
				begin(r)
				failed := make(chan error, 1)
				go func() { failed <- r.try(t.Context(), "x") }()
				synctest.Wait()
				must(t, r.srv.Close())
				if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestBrokenConnections(t *testing.T) {
	for name, test := range map[string]struct {
		do     kinesistest.Effect
		stored []string
	}{
		"before the effect": {kinesistest.Reset(), nil},
		"after the effect":  {kinesistest.DropReply(), []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			in := r.onPut(test.do)
			if err := r.try(t.Context(), "x"); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("got %v", err)
			}
			wantFired(t, in, 1)
			r.wantStored(test.stored...)
		})
	}
}

func TestTheSDKRetriesABrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.srv.Inject(kinesistest.Fault{Operation: "PutRecord", Count: 1, Do: kinesistest.DropReply()})
		_, err := r.srv.Kinesis().PutRecord(t.Context(), &kinesis.PutRecordInput{
			StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("x"),
		})
		must(t, err)
		r.wantStored("x", "x") // which is what makes lost replies dangerous
	})
}

func TestTwiceStoresTwiceAndDeliversTheSecondReply(t *testing.T) {
	r := newRig(t, 1)
	r.onPut(kinesistest.Twice())
	out := r.put("k", "x")
	records := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records
	if len(records) != 2 || *records[1].SequenceNumber != *out.SequenceNumber {
		t.Errorf("%d records, reply says %s", len(records), *out.SequenceNumber)
	}
}

func TestAgainStoresOnceMoreWhenTheClientHasGoneOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		in := r.onPut(kinesistest.Again(time.Minute))
		ctx, cancel := context.WithCancel(t.Context())
		must(t, r.try(ctx, "first"))
		cancel() // the client does not wait for it
		in.Remove()
		r.put("k", "second")
		time.Sleep(time.Minute - time.Millisecond)
		r.wantStored("first", "second")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		r.wantStored("first", "second", "first")

		r.onPut(kinesistest.Again(time.Hour))
		start := time.Now()
		must(t, r.try(t.Context(), "third"))
		must(t, r.srv.Close())
		if d := time.Since(start); d != 0 {
			t.Errorf("the closed server remembered the copy for %s", d)
		}
	})
}

func TestAgainOfARequestThatIsHurtOtherwise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.onPut(kinesistest.Again(time.Second))
		r.onPut(kinesistest.DropReply())
		if r.try(t.Context(), "x") == nil {
			t.Error("the reply came")
		}
		time.Sleep(time.Minute)
		r.wantStored("x", "x")
	})
}

func TestDamagedRepliesOfStoredRecords(t *testing.T) {
	for name, do := range map[string]kinesistest.Effect{"truncated": kinesistest.Truncate(0), "corrupt": kinesistest.Corrupt(0)} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			in := r.onPut(do)
			if err := r.try(t.Context(), "x"); err == nil {
				t.Error("the client did not notice")
			}
			wantFired(t, in, 1)
			r.wantStored("x")
		})
	}
}

func TestATruncatedReplyEndsUnexpectedly(t *testing.T) {
	r := newRig(t, 1)
	r.srv.Inject(kinesistest.Fault{Operation: "ListStreams", Do: kinesistest.Truncate(0)})
	reply, err := r.srv.HTTPClient().Do(rawRequest(t.Context(), "ListStreams", "application/x-amz-json-1.1", []byte("{}")))
	must(t, err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) == 0 {
		t.Errorf("got %q, %v", body, err)
	}
}

func TestFailLateStoresAndAnswersWithAnError(t *testing.T) {
	r := newRig(t, 1)
	in := r.onPut(kinesistest.FailLate(0, "InternalFailure", "sorry"))
	wantCode(t, r.try(t.Context(), "x"), "InternalFailure")
	wantFired(t, in, 1)
	r.wantStored("x")
}

func TestSilenceAfterTheEffectEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.onPut(kinesistest.Silence(0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := r.try(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		r.wantStored("x")
	})
}

func TestFaultsNestInTheOrderOfInjection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.onPut(kinesistest.Delay(time.Second, 0))
		failing := r.onPut(kinesistest.Throttle())
		start := time.Now()
		wantCode(t, r.try(t.Context(), "x"), "ProvisionedThroughputExceededException")
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %s", took)
		}
		wantFired(t, failing, 1)
	})
}

func TestRefusedRecordsOfOneShard(t *testing.T) {
	r := newRig(t, 2)
	in := r.srv.Inject(kinesistest.Fault{
		Operation: "PutRecords", Shard: shardID(1), Do: kinesistest.RefuseRecords("InternalFailure", 1),
	})
	input := &kinesis.PutRecordsInput{StreamName: r.stream}
	for i := range 40 {
		input.Records = append(input.Records, types.PutRecordsRequestEntry{
			PartitionKey: aws.String(strings.Repeat("k", i+1)), Data: []byte{byte(i)},
		})
	}
	out, err := r.PutRecords(t.Context(), input)
	must(t, err)
	var kept []byte
	failed := 0
	for i, e := range out.Records {
		switch {
		case e.ErrorCode == nil && *e.ShardId == shardID(0):
			kept = append(kept, byte(i))
		case e.ErrorCode != nil && *e.ErrorCode == "InternalFailure" && e.ErrorMessage != nil && e.SequenceNumber == nil:
			failed++
		default:
			t.Errorf("entry %d: %+v", i, e)
		}
	}
	if failed == 0 || len(kept) == 0 || int(*out.FailedRecordCount) != failed {
		t.Errorf("%d failed, %d kept, the reply says %d failed", failed, len(kept), *out.FailedRecordCount)
	}
	if got := strings.Join(r.stored(), ""); !bytes.Equal([]byte(got), kept) {
		t.Errorf("stored %v, want %v", []byte(got), kept)
	}
	if n := len(r.get(r.iterator(shardID(1), types.ShardIteratorTypeTrimHorizon)).Records); n != 0 {
		t.Errorf("%d records of the other shard were stored", n)
	}
	wantFired(t, in, 1)
}

func TestSeveralFaultsRefuseTheirOwnRecords(t *testing.T) {
	r := newRig(t, 3)
	for i, code := range []string{"InternalFailure", "ProvisionedThroughputExceededException"} {
		r.srv.Inject(kinesistest.Fault{Operation: "PutRecords", Shard: shardID(i), Do: kinesistest.RefuseRecords(code, 1)})
	}
	input := &kinesis.PutRecordsInput{StreamName: r.stream}
	for _, hashKey := range []string{"0", "113427455640312821154458202477256070486", "340282366920938463463374607431768211455"} {
		input.Records = append(input.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), ExplicitHashKey: &hashKey, Data: []byte("x")})
	}
	out, err := r.PutRecords(t.Context(), input)
	must(t, err)
	var got []string
	for _, e := range out.Records {
		got = append(got, aws.ToString(e.ErrorCode))
	}
	if !slices.Equal(got, []string{"InternalFailure", "ProvisionedThroughputExceededException", ""}) {
		t.Errorf("got %q", got)
	}
}

// closing is a body that tells whether it was closed.
type closing struct {
	io.Reader
	closed chan struct{}
}

func (c *closing) Close() error {
	close(c.closed)
	return nil
}

func TestTheBodyOfAHurtRequestIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.srv.Inject(kinesistest.Fault{Do: kinesistest.Twice()})
		body := &closing{strings.NewReader("{}"), make(chan struct{})}
		request := rawRequest(t.Context(), "ListStreams", "application/x-amz-json-1.1", nil)
		request.Body = body
		reply, err := r.srv.HTTPClient().Do(request)
		must(t, err)
		must(t, reply.Body.Close())
		<-body.closed
	})
}

func TestARefusedRecordFailsAPutRecord(t *testing.T) {
	r := newRig(t, 1)
	r.onPut(kinesistest.RefuseRecords("ProvisionedThroughputExceededException", 1))
	wantCode(t, r.try(t.Context(), "x"), "ProvisionedThroughputExceededException")
	r.wantStored()
}

func TestExpiredIteratorsOfOneShard(t *testing.T) {
	r := newRig(t, 2)
	old := []*string{r.iterator(shardID(0), types.ShardIteratorTypeLatest), r.iterator(shardID(1), types.ShardIteratorTypeLatest)}
	if r.srv.ExpireIterators("orders", shardID(7)) {
		t.Error("a shard that is not there was found")
	}
	if !r.srv.ExpireIterators("orders", shardID(1)) {
		t.Error("the shard was not found")
	}
	r.get(old[0])
	_, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: old[1]})
	wantCode(t, err, "ExpiredIteratorException")
	next := r.get(r.iterator(shardID(1), types.ShardIteratorTypeLatest)).NextShardIterator
	r.get(next)
	r.srv.ExpireIterators("", "")
	for _, it := range []*string{old[0], next} {
		_, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
		wantCode(t, err, "ExpiredIteratorException")
	}
}
