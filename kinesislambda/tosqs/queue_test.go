package tosqs

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
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
		StatusCode: w.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(w.reply)),
		ContentLength: int64(len(w.reply)), Request: req,
	}, nil
}

// client is the SDK's own, on the wire.
func (w *wire) client() *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: w}, Retryer: aws.NopRetryer{},
		Credentials:                      credentials.NewStaticCredentialsProvider("id", "secret", ""),
		DisableMessageChecksumValidation: true,
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
	cfg.SQS = w.client()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), record())
}

func TestAMessageSaysWhereTheRecordsAre(t *testing.T) {
	for queue, fifo := range map[string]bool{"https://sqs.us-east-1.amazonaws.com/123456789012/failed": false, "https://sqs.us-east-1.amazonaws.com/123456789012/failed.fifo": true} {
		w := &wire{status: 200, reply: `{"MessageId":"1"}`}
		if err := deliver(t, w, Config{QueueURL: queue}); err != nil {
			t.Fatal(err)
		}
		var sent struct {
			QueueURL                                            string `json:"QueueUrl"`
			MessageBody, MessageGroupID, MessageDeduplicationID string
		}
		if err := json.Unmarshal([]byte(w.body), &sent); err != nil || sent.QueueURL != queue {
			t.Errorf("%v: sent %s", err, w.body)
		}
		var r kinesislambda.InvocationRecord
		if err := json.Unmarshal([]byte(sent.MessageBody), &r); err != nil || r.RequestContext.RequestID != "7" || r.Payload != "" {
			t.Errorf("%v: message %s", err, sent.MessageBody)
		}
		if got := sent.MessageGroupID + " " + sent.MessageDeduplicationID; fifo != (got == "shardId-000000000003 shardId-000000000003.49") || !fifo && got != " " {
			t.Errorf("group and deduplication: %q", got)
		}
	}
}

func TestARefusalIsReported(t *testing.T) {
	w := &wire{status: 400, reply: `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`}
	err := deliver(t, w, Config{QueueURL: "https://sqs.us-east-1.amazonaws.com/123456789012/missing"})
	if err == nil || !strings.HasPrefix(err.Error(), "tosqs: ") || !strings.Contains(err.Error(), "QueueDoesNotExist") {
		t.Error(err)
	}
}

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Config{})
	if !errors.Is(err, kinesislambda.ErrConfig) || !strings.Contains(err.Error(), "Config.SQS") || !strings.Contains(err.Error(), "Config.QueueURL") {
		t.Error(err)
	}
}
