package wire

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/fxamacker/cbor/v2"
)

// most fails if a run takes more allocations, on average.
func most(t *testing.T, name string, limit float64, run func()) {
	t.Helper()
	if got := testing.AllocsPerRun(20, run); got > limit {
		t.Errorf("%s: %.1f allocations, at most %.0f allowed", name, got, limit)
	}
}

func TestNothingIsAllocatedForEachRecordOfALongList(t *testing.T) {
	records := goodReply(t, 1000, 1000)
	most(t, "1000 records", 40, func() {
		if _, err := read(records); err != nil {
			t.Error(err)
		}
	})
	var list []any
	in := &kinesis.PutRecordsInput{StreamName: aws.String("orders")}
	for i := range 500 {
		list = append(list, result(fmt.Sprintf("4960%052d", i), fmt.Sprintf("shardId-%012d", i%16)))
		in.Records = append(in.Records, types.PutRecordsRequestEntry{Data: make([]byte, 2*copyBelow), PartitionKey: aws.String("k")})
	}
	results, err := cbor.Marshal(map[string]any{"Records": list})
	if err != nil {
		t.Fatal(err)
	}
	most(t, "500 results", 40, func() { // of which 16 are the shards
		out := new(kinesis.PutRecordsOutput)
		if err := deserialize(results, out, byHand(out)); err != nil || len(out.Records) != 500 {
			t.Error(err)
		}
	})
	most(t, "a request of 500 records", 40, func() { // with the race detector, which makes pools forget
		s := serializer{body: newBody()}
		s.serialize(in)
		s.release()
	})
}
