package producer_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

func plainly(c *producer.Config) { c.DisableAggregation = true }

func TestThrottledRecordsAreSentAgainAndTheOthersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.faults.add(on("PutRecords", 3, throttle(func(i int) bool { return i%2 == 0 })))
		p := r.producer(plainly)
		got := newResults()
		for i := range 100 {
			id := fmt.Sprint(i)
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: id, Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
		if n := len(r.read()); n != 100 {
			t.Errorf("the stream holds %d records, want each once", n)
		}
		retried := 0
		for i := range 100 {
			result := got.only(t, fmt.Sprint(i))
			if result.Err != nil {
				t.Errorf("record %d: %v", i, result.Err)
			}
			if n := len(result.Attempts); n > 1 {
				retried++
				first, last := result.Attempts[0], result.Attempts[n-1]
				if first.Code != "ProvisionedThroughputExceededException" || first.Unknown || last.Code != "" || last.Number != n {
					t.Errorf("record %d: %+v", i, result.Attempts)
				}
			}
		}
		if retried != 50 {
			t.Errorf("%d records were sent again, want 50", retried)
		}
	})
}

func TestAttemptsWithoutReplyAreRepeatedAndSaidToBeUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		fault rule
		code  string
	}{"reset": {reset, producer.CodeConnection}, "timeout": {hang, producer.CodeTimeout}} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			r.faults.add(on("PutRecords", 1, c.fault))
			p := r.producer(nil)
			synctest.Wait() // it knows the shards: a record that came before would go on its own
			results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}, producer.Record{PartitionKey: "l"})
			if err != nil {
				t.Fatal(err)
			}
			if a := results[0].Attempts; len(a) != 2 || !a[0].Unknown || a[0].Code != c.code || a[1].Unknown {
				t.Errorf("%s: %+v", name, a)
			}
			if n := len(r.read()); n != 4 {
				t.Errorf("%s: the stream holds %d records, want both of them twice", name, n)
			}
		})
	}
}

func TestLastingErrorsFailAtOnce(t *testing.T) {
	for code, want := range map[string]error{
		"AccessDeniedException":     producer.ErrAccessDenied,
		"ResourceNotFoundException": producer.ErrStreamNotFound,
		"KMSDisabledException":      producer.ErrEncryption,
		"InvalidArgumentException":  producer.ErrRejected,
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			r.faults.add(on("PutRecords", 0, refuse(code, http.StatusBadRequest)))
			p := r.producer(nil)
			start := time.Now()
			results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "secret-key", Data: []byte("secret-data")})
			if !errors.Is(err, want) || time.Since(start) > time.Second {
				t.Errorf("%s: %v after %v", code, err, time.Since(start))
			}
			var failed *producer.FailedError
			if !errors.As(results[0].Err, &failed) || failed.Attempts != 1 || failed.Code != code || failed.MaybeStored {
				t.Errorf("%s: %+v", code, failed)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a key: %v", err)
			}
		})
	}
}

// Throttling has the same HTTP status as a request that can never be served. Which of them it was, a body that was cut off does not say.
func TestARefusalThatWasCutOffIsNoRejection(t *testing.T) {
	for _, protocol := range []producer.Protocol{producer.CBOR, producer.JSON} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 1)
			r.faults.add(on("PutRecords", 1, func(c *call) (*http.Response, error) {
				res, err := refuse("ProvisionedThroughputExceededException", http.StatusBadRequest)(c)
				res.Header.Set("Content-Type", c.req.Header.Get("Content-Type"))
				res.Body = io.NopCloser(io.MultiReader(io.LimitReader(res.Body, 15), iotest.ErrReader(io.ErrUnexpectedEOF)))
				return res, err
			}))
			p := r.producer(func(cfg *producer.Config) { cfg.Protocol = protocol })
			results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"})
			if err != nil {
				t.Fatalf("protocol %v: %v", protocol, err)
			}
			if a := results[0].Attempts; len(a) != 2 || a[0].Code != producer.CodeConnection {
				t.Errorf("protocol %v: %+v", protocol, a)
			}
		})
	}
}

func TestARequestThatIsRejectedAsAWholeFailsOnlyTheOffender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
			if strings.Contains(string(c.body), "PartitionKey\x63bad") {
				return refuse("InvalidArgumentException", http.StatusBadRequest)(c)
			}
			return nil, nil
		}))
		p := r.producer(plainly)
		got := newResults()
		for i := range 100 {
			id := fmt.Sprint(i)
			key := id
			if i == 37 {
				key = "bad"
			}
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: key, Data: []byte(id)}, got.done(id)))
		}
		r.must(p.Flush(t.Context()))
		for i := range 100 {
			result := got.only(t, fmt.Sprint(i))
			if (i == 37) != errors.Is(result.Err, producer.ErrRejected) || (i == 37) == (result.Err == nil) {
				t.Errorf("record %d: %v", i, result.Err)
			}
		}
		if n := len(r.read()); n != 99 {
			t.Errorf("the stream holds %d records", n)
		}
		if n := r.faults.count("PutRecords"); n > 20 {
			t.Errorf("it took %d requests to find one in 100", n)
		}
	})
}

func TestADeadEndpointIsTriedUntilTheRecordExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(func(*call) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
		p := r.producer(nil)
		start := time.Now()
		results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"})
		if !errors.Is(err, producer.ErrExpired) || !errors.Is(err, producer.ErrUnreachable) || errors.Is(err, producer.ErrOutcomeUnknown) {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took < 30*time.Second || took > 31*time.Second {
			t.Errorf("expired after %v", took)
		}
		if n := len(results[0].Attempts); n < 3 || n > 32 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestRecordsExpireWhereverTheyWait(t *testing.T) {
	for name, fault := range map[string]rule{
		"between attempts":   on("PutRecords", 0, refuse("InternalFailureException", http.StatusInternalServerError)),
		"behind one another": on("PutRecords", 0, throttle(func(int) bool { return true })),
		"in flight":          on("PutRecords", 0, hang),
	} {
		for _, ordered := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.faults.add(fault)
				p := r.producer(func(c *producer.Config) { c.Ordered, c.TTL = ordered, 20*time.Second })
				got := newResults()
				for i := range 5 { // apart, so that they do not share an aggregate
					id := fmt.Sprint(i)
					r.must(p.Put(t.Context(), producer.Record{PartitionKey: id}, got.done(id)))
					time.Sleep(time.Second)
				}
				r.must(p.Flush(t.Context()))
				for i := range 5 {
					if err := got.only(t, fmt.Sprint(i)).Err; !errors.Is(err, producer.ErrExpired) {
						t.Errorf("%s, ordered %v: record %d: %v", name, ordered, i, err)
					}
				}
			})
		}
	}
}

func TestMaxAttemptsEndsTheAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 0, throttle(func(int) bool { return true })))
		p := r.producer(func(c *producer.Config) { c.MaxAttempts = 3 })
		results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"})
		if !errors.Is(err, producer.ErrTooManyAttempts) || !errors.Is(err, producer.ErrThrottled) || len(results[0].Attempts) != 3 {
			t.Errorf("%v, %+v", err, results)
		}
	})
}

func TestAThrottledShardHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		var throttled atomic.Int32
		// Every entry whose explicit hash key is 1, in the first shard, is throttled for ever.
		r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
			if strings.Contains(string(c.body), "ExplicitHashKey\x611") {
				throttled.Add(1)
				return throttle(func(int) bool { return true })(c)
			}
			return nil, nil
		}))
		p := r.producer(func(c *producer.Config) { c.MaxInFlight, c.MaxRequestRecords, c.DisableAggregation = 1, 1, true })
		for range 20 {
			r.must(p.Put(t.Context(), producer.Record{PartitionKey: "hot", ExplicitHashKey: "1"}, nil))
		}
		start := time.Now()
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "cold", ExplicitHashKey: "340282366920938463463374607431768211455"}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("a record of the other shard took %v", took)
		}
		if throttled.Load() == 0 {
			t.Error("nothing was throttled")
		}
	})
}

func TestADeniedListingMeansPlainRecordsAndIsSaidOnce(t *testing.T) {
	for _, op := range []string{"ListShards", "DescribeStreamSummary"} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 2)
			r.faults.add(on(op, 0, refuse("AccessDeniedException", http.StatusBadRequest)))
			var degraded atomic.Int32
			p := r.producer(func(c *producer.Config) {
				c.Hooks.Degraded = func(err error) {
					degraded.Add(1)
					if !errors.Is(err, producer.ErrAccessDenied) {
						t.Errorf("%v", err)
					}
				}
			})
			records := make([]producer.Record, 50)
			for i := range records {
				records[i] = producer.Record{PartitionKey: fmt.Sprint(i)}
			}
			start := time.Now()
			if _, err := p.PutSync(t.Context(), records...); err != nil || time.Since(start) > time.Second {
				t.Fatalf("%v after %v", err, time.Since(start))
			}
			for _, s := range r.read() {
				if s.aggregated {
					t.Errorf("%s: %+v", op, s)
				}
			}
			time.Sleep(time.Hour)
			if degraded.Load() != 1 {
				t.Errorf("%s: said %d times", op, degraded.Load())
			}
		})
	}
}

func TestAMissingStreamFailsRecordsAtOnceAndIsFoundWhenItExists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		p := r.producer(nil)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}); !errors.Is(err, producer.ErrStreamNotFound) {
			t.Errorf("%v", err)
		}
		r.create(1)
		time.Sleep(20 * time.Second)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}, producer.Record{PartitionKey: "l"}); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.read() {
			if !s.aggregated {
				t.Errorf("not aggregated, though the stream is known: %+v", s)
			}
		}
	})
}

func TestAutoDistributionMeansPlainRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.faults.add(on("DescribeStreamSummary", 0, func(c *call) (*http.Response, error) {
			return reply(c, http.StatusOK, `{"StreamDescriptionSummary":{"StreamName":"orders","StreamStatus":"ACTIVE","RecordDistributionStrategy":"AUTO"}}`), nil
		}))
		p := r.producer(nil)
		if _, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"}, producer.Record{PartitionKey: "k"}); err != nil {
			t.Fatal(err)
		}
		for _, s := range r.read() {
			if s.aggregated {
				t.Errorf("%+v", s)
			}
		}
	})
}

func TestAReplyThatDoesNotNameEachRecordCountsAsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.faults.add(on("PutRecords", 1, func(c *call) (*http.Response, error) {
			return reply(c, http.StatusOK, `{"FailedRecordCount":0,"Records":[]}`), nil
		}))
		p := r.producer(nil)
		results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if a := results[0].Attempts; len(a) != 2 || a[0].Code != producer.CodeInvalidReply || !a[0].Unknown {
			t.Errorf("%+v", a)
		}
	})
}
