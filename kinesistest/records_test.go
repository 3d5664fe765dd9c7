package kinesistest_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

var timeZero = time.Unix(0, 0)

func TestRecordsComeBackInOrderFromTheirShards(t *testing.T) {
	r := newRig(t, 4)
	where := r.fill(1200)
	total := 0
	for n := range 4 {
		out := r.get(r.iterator(shardID(n), types.ShardIteratorTypeTrimHorizon))
		var want []string
		for i, s := range where {
			if s == shardID(n) {
				want = append(want, fmt.Sprint(i))
			}
		}
		if got := data(out.Records); !slices.Equal(got, want) {
			t.Errorf("shard %d has %v, want %v", n, got, want)
		}
		if *out.MillisBehindLatest != 0 || out.NextShardIterator == nil || len(out.ChildShards) != 0 {
			t.Errorf("shard %d is %d behind, has children %v", n, *out.MillisBehindLatest, out.ChildShards)
		}
		last := new(big.Int)
		for _, rec := range out.Records {
			number, ok := new(big.Int).SetString(*rec.SequenceNumber, 10)
			if !ok || number.Cmp(last) <= 0 {
				t.Fatalf("sequence number %s after %s", *rec.SequenceNumber, last)
			}
			last = number
			if d := time.Since(*rec.ApproximateArrivalTimestamp); d < -time.Second || d > time.Minute {
				t.Fatalf("arrived %s ago", d)
			}
		}
		total += len(out.Records)
	}
	if total != 1200 {
		t.Fatalf("%d records", total)
	}
}

func TestGetRecordsObeysLimitAndTellsTheLag(t *testing.T) {
	r := newRig(t, 1)
	r.fill(10)
	it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
	out, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(4)})
	must(t, err)
	if len(out.Records) != 4 || *out.MillisBehindLatest < 1 {
		t.Fatalf("%d records, %d behind", len(out.Records), *out.MillisBehindLatest)
	}
	out = r.get(out.NextShardIterator)
	if len(out.Records) != 6 || *out.MillisBehindLatest != 0 {
		t.Fatalf("%d records, %d behind", len(out.Records), *out.MillisBehindLatest)
	}
	_, err = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(10001)})
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAAAAAA")})
	wantCode(t, err, "InvalidArgumentException")
}

func TestGetRecordsReturnsAtMostTenMebibytes(t *testing.T) {
	r := newRig(t, 1)
	for range 15 {
		r.put("k", strings.Repeat("x", 1<<20-1))
	}
	it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
	for _, want := range []int{10, 5} {
		out := r.get(it)
		if len(out.Records) != want {
			t.Fatalf("%d records, want %d", len(out.Records), want)
		}
		it = out.NextShardIterator
	}
}

func TestLargeRecordsNeedAStreamThatTakesThem(t *testing.T) {
	r := newRig(t, 1)
	large := bytes.Repeat([]byte("x"), 10<<20-1)
	in := &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: large}
	_, err := r.PutRecord(t.Context(), in)
	wantCode(t, err, "InvalidArgumentException")

	arn := aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/orders")
	_, err = r.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: aws.Int32(10241)})
	wantCode(t, err, "ValidationException")
	_, err = r.UpdateMaxRecordSize(t.Context(), &kinesis.UpdateMaxRecordSizeInput{StreamARN: arn, MaxRecordSizeInKiB: aws.Int32(10240)})
	must(t, err)
	_, err = r.PutRecord(t.Context(), in)
	must(t, err)
	out := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
	if len(out.Records) != 1 || !bytes.Equal(out.Records[0].Data, large) {
		t.Fatalf("%d records", len(out.Records))
	}
}

func TestExplicitHashKeyChoosesTheShard(t *testing.T) {
	r := newRig(t, 2)
	for key, want := range map[string]int{
		"0": 0,
		"170141183460469231731687303715884105727": 0,
		"170141183460469231731687303715884105728": 1,
		"340282366920938463463374607431768211455": 1,
	} {
		out, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{
			StreamName: r.stream, PartitionKey: aws.String("k"), ExplicitHashKey: &key, Data: []byte("d"),
		})
		must(t, err)
		if *out.ShardId != shardID(want) {
			t.Errorf("hash key %s went to %s", key, *out.ShardId)
		}
	}
}

// The MD5 sum of "a" is 0cc175b9c0f1b6a831c399e269772661, the one of "b" is 92eb5ffee6ae2fec3ad71c777531578f.
func TestPartitionKeyChoosesTheShardByMD5(t *testing.T) {
	r := newRig(t, 2)
	if a, b := *r.put("a", "").ShardId, *r.put("b", "").ShardId; a != shardID(0) || b != shardID(1) {
		t.Fatalf("keys a and b went to %s and %s", a, b)
	}
}

func TestAnyTextAndBytesSurvive(t *testing.T) {
	r := newRig(t, 1)
	keys := []string{`"`, `\`, "\x00\x1f\n", "ключ", "𝄞", "</script>", strings.Repeat("ж", 256), " "}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, k := range keys {
		r.put(k, string(all[:i*36]))
	}
	records := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records
	if len(records) != len(keys) {
		t.Fatalf("%d of %d records", len(records), len(keys))
	}
	for i, rec := range records {
		if *rec.PartitionKey != keys[i] || !bytes.Equal(rec.Data, all[:i*36]) {
			t.Errorf("record %d: key %q, data %x", i, *rec.PartitionKey, rec.Data)
		}
	}
}

func TestPutRecordRefusesBadInput(t *testing.T) {
	r := newRig(t, 1)
	for _, c := range []struct {
		name string
		edit func(*kinesis.PutRecordInput)
		code string
	}{
		{"no key", func(in *kinesis.PutRecordInput) { in.PartitionKey = nil }, "ValidationException"},
		{"empty key", func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String("") }, "ValidationException"},
		{"long key", func(in *kinesis.PutRecordInput) { in.PartitionKey = aws.String(strings.Repeat("x", 257)) }, "ValidationException"},
		{"one byte too large", func(in *kinesis.PutRecordInput) { in.Data = make([]byte, 1<<20) }, "InvalidArgumentException"},
		{"empty hash key", func(in *kinesis.PutRecordInput) { in.ExplicitHashKey = aws.String("") }, "ValidationException"},
		{"hash key with zeros in front", func(in *kinesis.PutRecordInput) { in.ExplicitHashKey = aws.String("01") }, "ValidationException"},
		{"hash key 2^128", func(in *kinesis.PutRecordInput) {
			in.ExplicitHashKey = aws.String("340282366920938463463374607431768211456")
		}, "InvalidArgumentException"},
		{"hash key of 39 nines", func(in *kinesis.PutRecordInput) { in.ExplicitHashKey = aws.String(strings.Repeat("9", 39)) }, "InvalidArgumentException"},
		{"bad sequence number", func(in *kinesis.PutRecordInput) { in.SequenceNumberForOrdering = aws.String("x") }, "ValidationException"},
		{"dry run", func(in *kinesis.PutRecordInput) { in.DryRun = aws.Bool(true) }, "DryRunOperationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("d")}
			c.edit(in)
			_, err := r.PutRecord(t.Context(), in)
			wantCode(t, err, c.code)
		})
	}
	if got := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records; len(got) != 0 {
		t.Fatalf("%d records were stored", len(got))
	}
}

func TestPutRecordsStoresAllOrNothing(t *testing.T) {
	r := newRig(t, 1)
	entry := func(key string, size int) types.PutRecordsRequestEntry {
		return types.PutRecordsRequestEntry{PartitionKey: &key, Data: make([]byte, size)}
	}
	for _, c := range []struct {
		name    string
		records []types.PutRecordsRequestEntry
		code    string
	}{
		{"no records", []types.PutRecordsRequestEntry{}, "ValidationException"},
		{"501 records", slices.Repeat([]types.PutRecordsRequestEntry{entry("k", 1)}, 501), "ValidationException"},
		{"one record too large", []types.PutRecordsRequestEntry{entry("k", 1), entry("k", 1<<20)}, "InvalidArgumentException"},
		{"one key too long", []types.PutRecordsRequestEntry{entry("k", 1), entry(strings.Repeat("x", 257), 1)}, "ValidationException"},
		{"a byte over ten mebibytes", append(slices.Repeat([]types.PutRecordsRequestEntry{entry("k", 1<<20-1)}, 10), entry("k", 0)), "InvalidArgumentException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := r.PutRecords(t.Context(), &kinesis.PutRecordsInput{StreamName: r.stream, Records: c.records})
			wantCode(t, err, c.code)
		})
	}
	if got := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records; len(got) != 0 {
		t.Fatalf("%d records were stored", len(got))
	}
	_, err := r.PutRecords(t.Context(), &kinesis.PutRecordsInput{
		StreamName: r.stream, Records: slices.Repeat([]types.PutRecordsRequestEntry{entry("k", 1<<20-1)}, 10),
	})
	must(t, err)
}

func TestIteratorsStartWhereTheySay(t *testing.T) {
	r := newRig(t, 1)
	var numbers []string
	for i := range 5 {
		numbers = append(numbers, *r.put("k", fmt.Sprint(i)).SequenceNumber)
	}
	start := *r.shards(nil)[0].SequenceNumberRange.StartingSequenceNumber
	last := r.iterator(shardID(0), types.ShardIteratorTypeLatest)
	r.put("k", "5")
	for _, c := range []struct {
		kind     types.ShardIteratorType
		sequence string
		want     int
	}{
		{types.ShardIteratorTypeAtSequenceNumber, numbers[2], 2},
		{types.ShardIteratorTypeAfterSequenceNumber, numbers[2], 3},
		{types.ShardIteratorTypeAfterSequenceNumber, numbers[4], 5},
		{types.ShardIteratorTypeAtSequenceNumber, start, 0},
		{types.ShardIteratorTypeAfterSequenceNumber, start, 0},
	} {
		it, err := r.iteratorAt(shardID(0), c.kind, c.sequence)
		must(t, err)
		if got := data(r.get(it).Records); len(got) != 6-c.want || got[0] != fmt.Sprint(c.want) {
			t.Errorf("%s %s: got %v, want from %d", c.kind, c.sequence, got, c.want)
		}
	}
	if got := data(r.get(last).Records); !slices.Equal(got, []string{"5"}) {
		t.Errorf("LATEST: got %v", got)
	}
}

func TestGetShardIteratorRefusesBadPositions(t *testing.T) {
	r := newRig(t, 2)
	zero, one := r.shards(nil)[0], r.shards(nil)[1]
	number := aws.String(*zero.SequenceNumberRange.StartingSequenceNumber)
	future := time.Now().Add(time.Hour)
	for _, c := range []struct {
		name string
		in   kinesis.GetShardIteratorInput
		code string
	}{
		{"number of another shard", kinesis.GetShardIteratorInput{ShardId: one.ShardId, ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: number}, "InvalidArgumentException"},
		{"number that is no number", kinesis.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: aws.String("LATEST")}, "ValidationException"},
		{"number without the layout", kinesis.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: aws.String("12345")}, "InvalidArgumentException"},
		{"number larger than any", kinesis.GetShardIteratorInput{ShardIteratorType: "AT_SEQUENCE_NUMBER", StartingSequenceNumber: aws.String(strings.Repeat("9", 129))}, "InvalidArgumentException"},
		{"no number", kinesis.GetShardIteratorInput{ShardIteratorType: "AFTER_SEQUENCE_NUMBER"}, "InvalidArgumentException"},
		{"needless number", kinesis.GetShardIteratorInput{ShardIteratorType: "LATEST", StartingSequenceNumber: number}, "InvalidArgumentException"},
		{"no timestamp", kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP"}, "InvalidArgumentException"},
		{"future timestamp", kinesis.GetShardIteratorInput{ShardIteratorType: "AT_TIMESTAMP", Timestamp: &future}, "InvalidArgumentException"},
		{"no such shard", kinesis.GetShardIteratorInput{ShardId: aws.String(shardID(9)), ShardIteratorType: "LATEST"}, "ResourceNotFoundException"},
		{"bad type", kinesis.GetShardIteratorInput{ShardIteratorType: "EARLIEST"}, "ValidationException"},
		{"dry run", kinesis.GetShardIteratorInput{ShardIteratorType: "LATEST", DryRun: aws.Bool(true)}, "DryRunOperationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.StreamName = r.stream
			if c.in.ShardId == nil {
				c.in.ShardId = zero.ShardId
			}
			_, err := r.GetShardIterator(t.Context(), &c.in)
			wantCode(t, err, c.code)
		})
	}
}
