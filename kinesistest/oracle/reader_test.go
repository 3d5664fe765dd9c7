package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// A reader is a small consumer of one shard: it polls, and after any error it begins again behind the last record that it handled. A
// careless one begins again at the tip.
type reader struct {
	w        *world
	client   *kinesis.Client
	careless bool
	iterator *string
	last     *string // sequence number
}

// poll reads once. An error costs the iterator.
func (r *reader) poll() {
	if r.iterator == nil && !r.begin() {
		return
	}
	out, err := r.client.GetRecords(r.w.t.Context(), &kinesis.GetRecordsInput{ShardIterator: r.iterator, Limit: aws.Int32(25)})
	if err != nil {
		r.iterator = nil
		return
	}
	r.iterator = out.NextShardIterator
	for _, rec := range out.Records {
		r.last = rec.SequenceNumber
		r.w.report.Handled = append(r.w.report.Handled, oracle.Handled{
			Consumer: "app", Place: oracle.Place{Stream: *r.w.stream, Shard: shard0, SequenceNumber: *rec.SequenceNumber},
			Data: oracle.DigestOf(rec.Data), At: time.Now(),
		})
	}
}

// begin asks for an iterator and reports whether it got one.
func (r *reader) begin() bool {
	in := &kinesis.GetShardIteratorInput{StreamName: r.w.stream, ShardId: aws.String(shard0), ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	if r.last != nil && r.careless {
		in.ShardIteratorType = types.ShardIteratorTypeLatest
	} else if r.last != nil {
		in.ShardIteratorType, in.StartingSequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, r.last
	}
	out, err := r.client.GetShardIterator(r.w.t.Context(), in)
	if err != nil {
		return false
	}
	r.iterator = out.ShardIterator
	return true
}

// run stores records and reads them, one poll for every ten, while things go wrong.
func (r *reader) run() {
	for i := range 30 {
		r.w.writeTen(i)
		if i%10 == 9 {
			r.w.srv.ExpireIterators("", "")
		}
		r.poll()
		time.Sleep(time.Second)
	}
	for range 60 {
		r.poll()
		time.Sleep(time.Second)
	}
}

// writeTen stores ten records, again and again until each was accepted.
func (w *world) writeTen(round int) {
	for i := 0; i < 10; {
		data := []byte(fmt.Sprint(round, i))
		out, err := w.srv.As("writer").Kinesis().PutRecord(w.t.Context(), &kinesis.PutRecordInput{
			StreamName: w.stream, PartitionKey: aws.String(fmt.Sprint("key-", i%3)), Data: data,
		})
		if err != nil {
			continue
		}
		w.report.Put = append(w.report.Put, oracle.Put{
			Place: oracle.Place{Stream: *w.stream, Shard: *out.ShardId, SequenceNumber: *out.SequenceNumber}, Data: oracle.DigestOf(data),
		})
		i++
	}
}

func TestAReaderUnderFaults(t *testing.T) {
	for name, careless := range map[string]bool{"careful": false, "careless": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var faults []*kinesistest.Injection
				for i, f := range []kinesistest.Fault{
					{Operation: "PutRecord", Do: kinesistest.DropReply()},
					{Operation: "PutRecord", Do: kinesistest.Twice()},
					{Operation: "PutRecord", Do: kinesistest.Throttle()},
					{Operation: "GetRecords", Shard: shard0, Do: kinesistest.Truncate(0)},
					{Operation: "GetRecords", Caller: "reader", Do: kinesistest.Fail(500, "InternalFailure", "")},
					{Operation: "GetShardIterator", Do: kinesistest.Reset()},
				} {
					f.Probability, f.Seed = 0.2, uint64(i)
					faults = append(faults, w.srv.Inject(f))
				}
				client := kinesis.New(w.srv.As("reader").Kinesis().Options(), func(o *kinesis.Options) { o.Retryer = aws.NopRetryer{} })
				(&reader{w: w, client: client, careless: careless}).run()
				for i, f := range faults {
					if f.Fired() == 0 {
						t.Errorf("fault %d never fired", i)
					}
				}
				verdicts := w.judge()
				if careless {
					if len(verdicts.Of(oracle.Lost)) == 0 || len(verdicts.Except(oracle.Lost)) > 0 {
						t.Errorf("got %d verdicts, %d of them losses", len(verdicts), len(verdicts.Of(oracle.Lost)))
					}
					return
				}
				if len(verdicts) > 0 {
					t.Errorf("accused of:\n%s", verdicts)
				}
			})
		})
	}
}
