package orders

import (
	"fmt"
	"io"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesislambda"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// As a handler: a batch is made by hand.
func TestTotalsOfABatch(t *testing.T) {
	totals := &Totals{Out: io.Discard}
	b := consumer.NewBatch(consumer.Shard{ID: "shardId-000000000000"}, []consumer.Record{
		{Data: []byte(`{"Customer":"ann","Cents":150}`)},
		{Data: []byte(`{"Customer":"ann","Cents":50}`)},
		{Data: []byte(`not an order`)},
	})
	if err := totals.Handle(t.Context(), b); err == nil || b.Acked() != 2 || totals.Of("ann") != 200 {
		t.Errorf("error %v, %d done, ann owes %d", err, b.Acked(), totals.Of("ann"))
	}
}

// As a Lambda function: an event is made by hand, with an aggregate in it.
func TestTotalsOfAnEvent(t *testing.T) {
	totals := &Totals{Out: io.Discard}
	var e aggregation.Encoder
	for range 3 {
		if err := e.Add("bob", "", []byte(`{"Customer":"bob","Cents":100}`)); err != nil {
			t.Fatal(err)
		}
	}
	var event events.KinesisEvent
	for i, data := range [][]byte{e.AppendTo(nil), []byte(`{"Customer":"ann","Cents":7}`), []byte("not an order")} {
		number := fmt.Sprint(101 + i)
		event.Records = append(event.Records, events.KinesisEventRecord{
			EventID: "shardId-000000000000:" + number, Kinesis: events.KinesisRecord{Data: data, SequenceNumber: number},
		})
	}
	answer, err := kinesislambda.Wrap(totals)(t.Context(), event)
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "103" {
		t.Errorf("answer %+v, error %v", answer, err)
	}
	if totals.Of("bob") != 300 || totals.Of("ann") != 7 {
		t.Errorf("bob owes %d, ann %d", totals.Of("bob"), totals.Of("ann"))
	}
}
