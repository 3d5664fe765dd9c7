package tosns

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
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
		StatusCode: w.status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(w.reply)),
		ContentLength: int64(len(w.reply)), Request: req,
	}, nil
}

// client is the SDK's own, on the wire.
func (w *wire) client() *sns.Client {
	return sns.New(sns.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: w}, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
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
	cfg.SNS = w.client()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), record())
}

func TestAMessageSaysWhereTheRecordsAre(t *testing.T) {
	for topic, fifo := range map[string]bool{"arn:aws:sns:us-east-1:123456789012:failed": false, "arn:aws:sns:us-east-1:123456789012:failed.fifo": true} {
		w := &wire{status: 200, reply: `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`}
		if err := deliver(t, w, Config{TopicARN: topic}); err != nil {
			t.Fatal(err)
		}
		sent, err := url.ParseQuery(w.body)
		if err != nil || sent.Get("Action") != "Publish" || sent.Get("TopicArn") != topic {
			t.Errorf("%v: sent %s", err, w.body)
		}
		var r kinesislambda.InvocationRecord
		if err := json.Unmarshal([]byte(sent.Get("Message")), &r); err != nil || r.RequestContext.RequestID != "7" || r.Payload != "" {
			t.Errorf("%v: message %s", err, sent.Get("Message"))
		}
		if got := sent.Get("MessageGroupId") + " " + sent.Get("MessageDeduplicationId"); fifo != (got == "shardId-000000000003 shardId-000000000003.49") || !fifo && got != " " {
			t.Errorf("group and deduplication: %q", got)
		}
	}
}

func TestARefusalIsReported(t *testing.T) {
	w := &wire{status: 404, reply: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>NotFound</Code><Message>no</Message></Error></ErrorResponse>`}
	err := deliver(t, w, Config{TopicARN: "arn:aws:sns:us-east-1:123456789012:missing"})
	if err == nil || !strings.HasPrefix(err.Error(), "tosns: ") || !strings.Contains(err.Error(), "NotFound") {
		t.Error(err)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Config{})
	if !errors.Is(err, kinesislambda.ErrConfig) || !strings.Contains(err.Error(), "Config.SNS") || !strings.Contains(err.Error(), "Config.TopicARN") {
		t.Error(err)
	}
}
