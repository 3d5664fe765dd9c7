package tosns

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/kinesislambda"
	"github.com/penstock-go/penstock/kinesislambda/internal/destinationtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is the SDK's own, on the wire.
func client(w *destinationtest.Wire) *sns.Client {
	return sns.New(sns.Options{
		Region: "us-east-1", HTTPClient: w.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	})
}

func deliver(t *testing.T, w *destinationtest.Wire, cfg Config) error {
	t.Helper()
	cfg.SNS = client(w)
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Deliver(t.Context(), destinationtest.Record())
}

func TestAMessageSaysWhereTheRecordsAre(t *testing.T) {
	for topic, fifo := range map[string]bool{"arn:aws:sns:us-east-1:123456789012:failed": false, "arn:aws:sns:us-east-1:123456789012:failed.fifo": true} {
		w := &destinationtest.Wire{Status: 200, ContentType: "text/xml", Reply: `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`}
		if err := deliver(t, w, Config{TopicARN: topic}); err != nil {
			t.Fatal(err)
		}
		sent, err := url.ParseQuery(w.Body)
		if err != nil || sent.Get("Action") != "Publish" || sent.Get("TopicArn") != topic {
			t.Errorf("%v: sent %s", err, w.Body)
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
	w := &destinationtest.Wire{Status: 404, ContentType: "text/xml", Reply: `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>NotFound</Code><Message>no</Message></Error></ErrorResponse>`}
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
