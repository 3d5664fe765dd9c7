package consumer

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

// remake deletes the stream, and a minute later makes one of the same name with so many shards.
func (w *world) remake(shards int32) {
	w.Helper()
	_, err := w.client.DeleteStream(w.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String(testStream), EnforceConsumerDeletion: aws.Bool(true)})
	w.must(err)
	time.Sleep(time.Minute)
	_, err = w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String(testStream), ShardCount: &shards})
	w.must(err)
	time.Sleep(time.Second)
}

func TestAStreamMadeAnewWhileTheApplicationIsAwayIsReadFromItsBeginning(t *testing.T) {
	for name, start := range map[string]Start{"trim horizon": TrimHorizon, "latest": Latest} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(w *world) {
				cfg := w.readToChildrenAtLatest()
				cfg.Streams[0].Start = start
				w.remake(4) // of which 0, 1 and 2 are not those of before
				w.putPlain(keys(20)...)
				time.Sleep(time.Minute)
				run := w.start(cfg)
				w.awaitAll()
				run.mustEnd()
				w.verify()
			})
		})
	}
}
