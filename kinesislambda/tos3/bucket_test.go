package tos3

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesislambda/internal/destinationtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the SDK's own, on the wire.
func client(w *destinationtest.Wire) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", HTTPClient: w.Client(), Retryer: aws.NopRetryer{},
		Credentials:  credentials.NewStaticCredentialsProvider("id", "secret", ""),
		UsePathStyle: true, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

func deliver(t *testing.T, w *destinationtest.Wire, cfg Config) error {
	t.Helper()
	cfg.S3 = client(w)
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), destinationtest.Record())
}

var documented = regexp.MustCompile(`^/failed/(mine/)?aws/lambda/uuid/shardId-000000000003/2026/03/04/2026-03-04T05\.06\.07-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func TestAnObjectHasTheMessageWithItsPayload(t *testing.T) {
	for _, prefix := range []string{"", "mine/"} {
		w := &destinationtest.Wire{Status: 200}
		if err := deliver(t, w, Config{Bucket: "failed", Prefix: prefix}); err != nil {
			t.Fatal(err)
		}
		if !documented.MatchString(w.Path) || !strings.HasPrefix(w.Path, "/failed/"+prefix) {
			t.Errorf("named %s", w.Path)
		}
		if w.Header.Get("Content-Type") != "application/json" {
			t.Errorf("type %s", w.Header.Get("Content-Type"))
		}
		if !strings.Contains(w.Body, `"requestId":"7"`) || !strings.Contains(w.Body, `"payload":"{\"Records\":[]}"`) {
			t.Errorf("the object is %s", w.Body)
		}
	}
}

func TestARefusalIsReported(t *testing.T) {
	w := &destinationtest.Wire{Status: 404, ContentType: "application/xml", Reply: `<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>`}
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
