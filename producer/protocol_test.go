package producer_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/penstock-go/penstock/producer"
)

const cborType = "application/x-amz-cbor-1.1"

// spoken counts the PutRecords calls in each protocol; it refuses those in CBOR if it is told to.
type spoken struct {
	mu           sync.Mutex // guards the fields below
	cbor, json   int
	refusingCBOR bool
}

func (r *rig) listen(refuseCBOR bool) *spoken {
	s := &spoken{refusingCBOR: refuseCBOR}
	r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if c.req.Header.Get("Content-Type") != cborType {
			s.json++
			return nil, nil
		}
		s.cbor++
		if s.refusingCBOR {
			return reply(c, http.StatusNotFound, `{"__type":"UnknownOperationException","message":"of key secret-key"}`), nil
		}
		return nil, nil
	}))
	return s
}

func TestRecordsTravelInTheProtocolThatIsSet(t *testing.T) {
	for name, c := range map[string]struct {
		set  producer.Protocol
		env  string
		want producer.Protocol
	}{
		"default":    {want: producer.CBOR},
		"JSON":       {set: producer.JSON, want: producer.JSON},
		"disabled":   {env: "true", want: producer.JSON},
		"not at all": {env: "false", want: producer.CBOR},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("AWS_CBOR_DISABLE", c.env)
			}
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				heard := r.listen(false)
				p := r.producer(func(cfg *producer.Config) {
					cfg.Protocol = c.set
					cfg.Hooks.FellBack = func(err error) { t.Errorf("fell back: %v", err) }
				})
				_, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "a", Data: []byte{0, 255}}, producer.Record{PartitionKey: "b"})
				r.must(err)
				if got := r.read(); len(got) != 2 {
					t.Errorf("%d records", len(got))
				}
				if heard.cbor+heard.json == 0 || c.want == producer.CBOR && heard.json > 0 || c.want == producer.JSON && heard.cbor > 0 {
					t.Errorf("%d calls in CBOR, %d in JSON", heard.cbor, heard.json)
				}
			})
		})
	}
}

// A server that does not take CBOR costs one refused call for each sender at most; no record notices.
func TestAServerWithoutCBORGetsJSONFromThenOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		heard := r.listen(true)
		core, logged := observer.New(zap.WarnLevel)
		var told []error
		p := r.producer(func(cfg *producer.Config) {
			cfg.Logger = zap.New(core)
			cfg.Hooks.FellBack = func(err error) { told = append(told, err) }
		})
		for n := range 3 {
			results, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "secret-key", Data: fmt.Append(nil, n)})
			r.must(err)
			if len(results[0].Attempts) != 1 {
				t.Errorf("%d attempts", len(results[0].Attempts))
			}
			time.Sleep(time.Second)
		}
		if got := r.read(); len(got) != 3 || heard.cbor != 1 || heard.json != 3 {
			t.Errorf("%d records, %d calls in CBOR, %d in JSON", len(got), heard.cbor, heard.json)
		}
		if len(told) != 1 || !strings.Contains(told[0].Error(), "404, UnknownOperationException") || strings.Contains(told[0].Error(), "secret") {
			t.Errorf("told %v", told)
		}
		if logged.Len() != 1 || strings.Contains(fmt.Sprint(logged.All()), "secret") {
			t.Errorf("logged %v", logged.All())
		}
	})
}

// A server that does not take CBOR may repeat what it does not understand, wherever it has room for it.
func TestFallingBackToJSONRepeatsNothingOfTheRequest(t *testing.T) {
	for name, refusal := range map[string]struct {
		status int
		header http.Header
		body   string
	}{
		"in the message":    {http.StatusNotFound, nil, `{"__type":"UnknownOperationException","message":"no secret-key"}`},
		"in the code":       {http.StatusUnsupportedMediaType, nil, `{"__type":"no secret-key","message":""}`},
		"for the code":      {http.StatusUnsupportedMediaType, nil, `{"__type":"secret"}`},
		"in a header":       {http.StatusNotFound, http.Header{"X-Amzn-Errortype": {"secret-key"}}, `{}`},
		"in a request id":   {http.StatusNotFound, http.Header{"X-Amzn-Requestid": {"secret-key"}}, `{"__type":"UnknownOperationException"}`},
		"in text":           {http.StatusBadRequest, nil, `cannot read secret-key: secret data`},
		"in a cut document": {http.StatusBadRequest, nil, `{"secret-key":{"secret`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.faults.add(on("PutRecords", 0, func(c *call) (*http.Response, error) {
					if c.req.Header.Get("Content-Type") != cborType {
						return nil, nil
					}
					resp := reply(c, refusal.status, refusal.body)
					maps.Copy(resp.Header, refusal.header)
					return resp, nil
				}))
				core, logged := observer.New(zap.DebugLevel)
				var told []error
				p := r.producer(func(cfg *producer.Config) {
					cfg.Logger = zap.New(core)
					cfg.Hooks.FellBack = func(err error) { told = append(told, err) }
				})
				_, err := p.PutSync(t.Context(), producer.Record{PartitionKey: "secret-key", Data: []byte("secret data")})
				r.must(err)
				if len(told) != 1 || strings.Contains(told[0].Error(), "secret") {
					t.Errorf("told %v", told)
				}
				if logged.Len() == 0 {
					t.Error("nothing is logged")
				}
				for _, line := range logged.All() {
					if text := fmt.Sprint(line.Message, line.ContextMap()); strings.Contains(text, "secret") {
						t.Errorf("logged %s", text)
					}
				}
			})
		})
	}
}

func TestAnUnknownProtocolIsAFault(t *testing.T) {
	_, err := producer.New(producer.Config{Protocol: producer.JSON + 1})
	if !errors.Is(err, producer.ErrConfig) || !strings.Contains(err.Error(), "Config.Protocol") {
		t.Error(err)
	}
}
