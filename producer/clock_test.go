package producer_test

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// A producer measures by the monotonic clock alone; what the service's clock says, and that it jumps from reply to reply, is nothing to it.
func TestRecordsExpireOnTimeWhateverTheServicesClockSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		var away atomic.Bool
		r.faults.add(func(c *call) (*http.Response, error) {
			send := c.send
			if away.Load() && c.op == "PutRecords" {
				send = func() (*http.Response, error) {
					return refuse("InternalFailureException", http.StatusInternalServerError)(c)
				}
			}
			resp, err := send()
			if err == nil {
				jump := time.Duration(c.n%2*2-1) * 7 * time.Hour // one forwards, the next one backwards
				resp.Header.Set("Date", time.Now().Add(jump).UTC().Format(http.TimeFormat))
			}
			return resp, err
		})
		p := r.producer(func(c *producer.Config) { c.TTL = 20 * time.Second })
		put := func() error {
			_, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "k", Data: []byte("d")})
			return err
		}
		for range 10 {
			r.must(put())
		}
		away.Store(true)
		start := time.Now()
		if err := put(); !errors.Is(err, producer.ErrExpired) {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took < 20*time.Second || took > 21*time.Second {
			t.Errorf("expired after %v", took)
		}
		away.Store(false)
		r.must(put())
	})
}
