package consumer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// registerConsumer registers an enhanced fan-out consumer and returns its ARN.
func (w *world) registerConsumer(stream, name string) string {
	w.Helper()
	facts, err := w.client.DescribeStreamSummary(w.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: &stream})
	w.must(err)
	arn := facts.StreamDescriptionSummary.StreamARN
	out, err := w.client.RegisterStreamConsumer(w.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: arn, ConsumerName: &name})
	w.must(err)
	time.Sleep(30 * time.Second)
	return aws.ToString(out.Consumer.ConsumerARN)
}

func TestAConsumerThatIsRegisteredIsUsedByItsARN(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		cfg.Streams[0].FanOut, cfg.Streams[0].ConsumerARN = true, w.registerConsumer(testStream, "mine")
		w.putPlain(keys(5)...)
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
	})
}

func TestAConsumerOfAnotherStreamIsRefusedBeforeAnyWorkStarts(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.another("returns", 0)
		other := w.registerConsumer("returns", "mine")
		cfg := w.config()
		cfg.Streams[0].FanOut, cfg.Streams[0].ConsumerARN = true, other
		_, err := New(cfg)
		if !slices.Equal(faultyFields(err), []string{"Streams[0].ConsumerARN"}) || !strings.Contains(err.Error(), testStream) {
			t.Errorf("New: %v", err)
		}
		// The same name in another account: only the service can tell.
		for name, arn := range map[string]string{
			"another account": strings.NewReplacer("stream/returns", "stream/"+testStream, ":123456789012:", ":999999999999:", ":000000000000:", ":999999999999:").Replace(other),
			"deregistered":    strings.NewReplacer("stream/returns", "stream/"+testStream).Replace(other),
		} {
			cfg.Streams[0].ConsumerARN = arn
			c, err := New(cfg)
			w.must(err)
			err = c.Run(w.Context())
			var failed *StreamError
			if !errors.Is(err, ErrConsumerNotFound) || !errors.As(err, &failed) || errors.Is(err, ErrStreamNotFound) || !strings.Contains(err.Error(), "ConsumerARN") {
				t.Errorf("%s: %v", name, err)
			}
		}
		snapshot, err := w.store.Scan(w.Context())
		w.must(err)
		if len(snapshot.Leases) > 0 {
			t.Errorf("leases were created: %v", snapshot.Leases)
		}
	})
}

func TestAStreamWithoutRoomForAConsumerIsRefusedOrPolled(t *testing.T) {
	bubble(t, 1, func(w *world) {
		for i := range 20 {
			w.registerConsumer(testStream, fmt.Sprintf("other-%d", i))
		}
		cfg := w.config()
		cfg.Streams[0].FanOut = true
		c, err := New(cfg)
		w.must(err)
		if err := c.Run(w.Context()); !errors.Is(err, ErrConsumerLimit) || !strings.Contains(err.Error(), "PollAtLimit") {
			t.Errorf("Run: %v", err)
		}
		var told []error
		cfg.Streams[0].PollAtLimit = true
		cfg.Hooks.PolledInstead = func(_ string, err error) { told = append(told, err) }
		w.putPlain(keys(5)...)
		c, run := w.launch(cfg)
		w.awaitAll()
		if streams := c.Snapshot().Streams; streams[0].FanOut || len(told) != 1 || !errors.Is(told[0], ErrConsumerLimit) {
			t.Errorf("streams %+v, told %v", streams, told)
		}
		run.mustEnd()
		w.verify()
	})
}
