package tosqs

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesislambda/internal/destinationtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the SDK's own, on the wire.
func client(w *destinationtest.Wire) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", HTTPClient: w.Client(), Retryer: aws.NopRetryer{},
		Credentials:                      credentials.NewStaticCredentialsProvider("id", "secret", ""),
		DisableMessageChecksumValidation: true,
	})
}

func deliver(t *testing.T, w *destinationtest.Wire, cfg Config) error {
	t.Helper()
	cfg.SQS = client(w)
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), destinationtest.Record())
}

func TestAMessageSaysWhereTheRecordsAre(t *testing.T) {
	for queue, fifo := range map[string]bool{"https://sqs.us-east-1.amazonaws.com/123456789012/failed": false, "https://sqs.us-east-1.amazonaws.com/123456789012/failed.fifo": true} {
		w := &destinationtest.Wire{Status: 200, ContentType: "application/x-amz-json-1.0", Reply: `{"MessageId":"1"}`}
		if err := deliver(t, w, Config{QueueURL: queue}); err != nil {
			t.Fatal(err)
		}
		var sent struct {
			QueueURL                                            string `json:"QueueUrl"`
			MessageBody, MessageGroupID, MessageDeduplicationID string
		}
		if err := json.Unmarshal([]byte(w.Body), &sent); err != nil || sent.QueueURL != queue {
			t.Errorf("%v: sent %s", err, w.Body)
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
	w := &destinationtest.Wire{Status: 400, ContentType: "application/x-amz-json-1.0", Reply: `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`}
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
