package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClassify(t *testing.T) {
	status := func(code int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}}, Err: errors.New("x")}
	}
	unread := func(code int) error {
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}},
			Err: &smithy.DeserializationError{Err: io.ErrUnexpectedEOF}}
	}
	bare := func(code int) error { // what the SDK makes of a body without a code
		return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}},
			Err: &smithy.GenericAPIError{Code: "UnknownError"}}
	}
	cases := map[string]struct {
		err  error
		want Class
	}{
		"modelled throttle":        {&types.ProvisionedThroughputExceededException{}, Throttled},
		"wrapped":                  {fmt.Errorf("call: %w", &types.ResourceNotFoundException{}), NotFound},
		"kms throttle is no fault": {&types.KMSThrottlingException{}, Throttled},
		"kms disabled":             {&types.KMSDisabledException{}, Encryption},
		"kms without suffix":       {&types.KMSOptInRequired{}, Encryption},
		"in use":                   {&types.ResourceInUseException{}, Busy},
		"iterator":                 {&types.ExpiredIteratorException{}, Expired},
		"unmodelled code":          {&smithy.GenericAPIError{Code: "UnrecognizedClientException"}, Denied},
		"unknown code, no status":  {&smithy.GenericAPIError{Code: "Whatever"}, Transient},
		"no code, 503":             {status(503), Transient},
		"no code, 403":             {status(403), Denied},
		"no code, 400":             {status(400), Invalid},
		"no code, 413":             {status(413), Invalid},
		"no code, 429":             {status(429), Throttled},
		"unread, 200":              {unread(200), Transient},
		"unread, 400":              {unread(400), Transient},
		"unread, 404":              {unread(404), Transient},
		"unread, 401":              {unread(401), Denied},
		"unread, 403":              {unread(403), Denied},
		"bare, 400":                {bare(400), Transient},
		"bare, 403":                {bare(403), Denied},
		"bare, 408":                {bare(408), Transient},
		"no code, 408":             {status(408), Transient},
		"unread, 413":              {unread(413), Invalid},
		"unread, 429":              {unread(429), Throttled},
		"own context":              {fmt.Errorf("x: %w", context.Canceled), Canceled},
		"refused":                  {&net.OpError{Op: "dial", Err: errors.New("refused")}, Unreachable},
		"reset":                    {&net.OpError{Op: "read", Err: errors.New("reset")}, Transient},
	}
	for name, c := range cases {
		if got := Classify(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestOnlyWhatNeedsAChangeOutsideIsPermanent(t *testing.T) {
	for class := Transient; class <= Canceled; class++ {
		want := class == Denied || class == NotFound || class == Encryption || class == Invalid
		if class.Permanent() != want {
			t.Errorf("%v: Permanent() = %v", class, !want)
		}
	}
}

func TestDelaysDoubleWithinTheirJitterUpToTheMaximum(t *testing.T) {
	s := Policy{Initial: 100 * time.Millisecond, Max: time.Second}.Start(NewJitter(1))
	for _, milliseconds := range []int{100, 200, 400, 800, 1000, 1000, 1000} {
		full := time.Duration(milliseconds) * time.Millisecond
		if got := s.Next(); got < full/2 || got > full {
			t.Errorf("delay %v is not within [%v, %v]", got, full/2, full)
		}
	}
	s.Reset()
	if got := s.Next(); got > 100*time.Millisecond {
		t.Errorf("delay after Reset = %v", got)
	}
}

func TestTheSameSeedGivesTheSameDelays(t *testing.T) {
	a := Policy{Initial: time.Second, Max: time.Minute}.Start(NewJitter(7))
	b := Policy{Initial: time.Second, Max: time.Minute}.Start(NewJitter(7))
	for range 20 {
		if x, y := a.Next(), b.Next(); x != y {
			t.Fatalf("%v and %v", x, y)
		}
	}
}

func TestAScheduleNeverEndsByItself(t *testing.T) {
	s := Policy{Initial: time.Hour, Max: 24 * time.Hour}.Start(NewJitter(1))
	for range 10_000 {
		if d := s.Next(); d < time.Minute {
			t.Fatalf("delay %v", d)
		}
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := Policy{Initial: time.Hour, Max: time.Hour}.Start(RandomJitter()).Wait(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
