package consumer

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/leases"
)

func TestAStreamThatIsDeletedDoesNotKeepTheOthersFromBeingAudited(t *testing.T) {
	bubble(t, 1, func(w *world) {
		_, err := w.client.CreateStream(w.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("other"), ShardCount: aws.Int32(1)})
		w.must(err)
		cfg := w.config()
		cfg.Streams, cfg.MultiStream = []Stream{{Name: testStream}, {Name: "other"}}, true
		var told, deleted atomic.Int32
		cfg.Hooks.Leases.Audited = func(a leases.Audited) {
			if gone := (*types.ResourceNotFoundException)(nil); errors.As(a.Err, &gone) && a.Streams == 1 {
				told.Add(1)
			}
		}
		cfg.Hooks.Leases.Deleted = func(leases.Lease) { deleted.Add(1) }
		run := w.start(cfg)
		w.putPlain(keys(3)...)
		w.awaitAll()
		_, err = w.client.DeleteStream(w.Context(), &kinesis.DeleteStreamInput{StreamName: aws.String("other")})
		w.must(err)
		w.split(0)
		time.Sleep(10 * time.Second)
		w.putPlain(keys(20)...) // both children move on, so that nobody needs the parent's lease
		time.Sleep(5 * time.Minute)
		if told.Load() == 0 || deleted.Load() != 1 {
			t.Errorf("the missing stream was told %d times, %d leases of the other were deleted", told.Load(), deleted.Load())
		}
		run.mustEnd()
	})
}
