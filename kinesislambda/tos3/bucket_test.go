package tos3

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire answers every request with one reply, and keeps what was asked.
type wire struct {
	status int
	reply  string
	path   string
	body   string
	header http.Header
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	w.path, w.body, w.header = req.URL.Path, string(body), req.Header
	return &http.Response{
		StatusCode: w.status, Header: http.Header{"Content-Type": {"application/xml"}}, Body: io.NopCloser(strings.NewReader(w.reply)),
		ContentLength: int64(len(w.reply)), Request: req,
	}, nil
}

// client is the SDK's own, on the wire.
func (w *wire) client() *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: w}, Retryer: aws.NopRetryer{},
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

func record() *kinesislambda.InvocationRecord {
	return &kinesislambda.InvocationRecord{
		RequestContext: kinesislambda.RequestContext{RequestID: "7", Condition: kinesislambda.ConditionRecordAgeExceeded},
		Timestamp:      time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Payload: `{"Records":[]}`, MappingUUID: "uuid",
		KinesisBatchInfo: kinesislambda.KinesisBatchInfo{ShardID: "shardId-000000000003", StartSequenceNumber: "49"},
	}
}

func deliver(t *testing.T, w *wire, cfg Config) error {
	t.Helper()
	cfg.S3 = w.client()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), record())
}

var documented = regexp.MustCompile(`^/failed/(mine/)?aws/lambda/uuid/shardId-000000000003/2026/03/04/2026-03-04T05\.06\.07-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestAnObjectHasTheMessageWithItsPayload(t *testing.T) {
	for _, prefix := range []string{"", "mine/"} {
		w := &wire{status: 200}
		if err := deliver(t, w, Config{Bucket: "failed", Prefix: prefix}); err != nil {
			t.Fatal(err)
		}
		if !documented.MatchString(w.path) || !strings.HasPrefix(w.path, "/failed/"+prefix) {
			t.Errorf("named %s", w.path)
		}
		if w.header.Get("Content-Type") != "application/json" {
			t.Errorf("type %s", w.header.Get("Content-Type"))
		}
		if !strings.Contains(w.body, `"requestId":"7"`) || !strings.Contains(w.body, `"payload":"{\"Records\":[]}"`) {
			t.Errorf("the object is %s", w.body)
		}
	}
}

func TestARefusalIsReported(t *testing.T) {
	w := &wire{status: 404, reply: `<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>`}
	err := deliver(t, w, Config{Bucket: "missing"})
	if err == nil || !strings.HasPrefix(err.Error(), "tos3: ") || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Error(err)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Config{})
	if !errors.Is(err, kinesislambda.ErrConfig) || !strings.Contains(err.Error(), "Config.S3") || !strings.Contains(err.Error(), "Config.Bucket") {
		t.Error(err)
	}
}
