package kinesistest_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

func TestIteratorExpiresAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		it := r.iterator(shardID(0), types.ShardIteratorTypeLatest)
		time.Sleep(5 * time.Minute)
		it = r.get(it).NextShardIterator
		time.Sleep(5*time.Minute + time.Millisecond)
		_, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it})
		wantCode(t, err, "ExpiredIteratorException")
	})
}

func TestNextTokenExpiresAfterFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		out, err := r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream, MaxResults: aws.Int32(1)})
		must(t, err)
		time.Sleep(301 * time.Second)
		_, err = r.ListShards(t.Context(), &kinesis.ListShardsInput{NextToken: out.NextToken})
		wantCode(t, err, "ExpiredNextTokenException")
	})
}

func TestTimestampsFindTheFirstRecordNotBeforeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		var times []time.Time
		for i := range 5 {
			times = append(times, time.Now())
			r.put("k", fmt.Sprint(i))
			time.Sleep(1001 * time.Millisecond)
		}
		read := func(at time.Time) []string {
			out, err := r.GetShardIterator(t.Context(), &kinesis.GetShardIteratorInput{
				StreamName: r.stream, ShardId: aws.String(shardID(0)), ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &at,
			})
			must(t, err)
			return data(r.get(out.ShardIterator).Records)
		}
		if got := read(times[2]); !slices.Equal(got, []string{"2", "3", "4"}) {
			t.Errorf("at the time of record 2: %v", got)
		}
		if got := read(times[2].Add(time.Millisecond)); !slices.Equal(got, []string{"3", "4"}) {
			t.Errorf("a millisecond later: %v", got)
		}
		if got := read(timeZero); len(got) != 5 {
			t.Errorf("long ago: %v", got)
		}
		if got := read(time.Now()); len(got) != 0 {
			t.Errorf("now: %v", got)
		}
		out := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
		for i, rec := range out.Records {
			if !rec.ApproximateArrivalTimestamp.Equal(times[i]) {
				t.Errorf("record %d arrived at %s, put at %s", i, rec.ApproximateArrivalTimestamp, times[i])
			}
		}
	})
}

func TestLagIsTheAgeOfTheNextRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.put("k", "0")
		time.Sleep(2 * time.Second)
		r.put("k", "1")
		time.Sleep(3 * time.Second)
		it := r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)
		out, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(1)})
		must(t, err)
		if *out.MillisBehindLatest != 3000 {
			t.Fatalf("%d ms behind", *out.MillisBehindLatest)
		}
	})
}

func TestStreamPassesThroughItsStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithTransitionTime(10*time.Second))
		want := func(status types.StreamStatus, shards int32) {
			t.Helper()
			out, err := r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
			must(t, err)
			if d := out.StreamDescriptionSummary; d.StreamStatus != status || *d.OpenShardCount != shards {
				t.Fatalf("stream is %s with %d shards, want %s with %d", d.StreamStatus, *d.OpenShardCount, status, shards)
			}
		}
		want(types.StreamStatusCreating, 0)
		_, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, PartitionKey: aws.String("k"), Data: []byte("d")})
		wantCode(t, err, "ResourceNotFoundException")
		_, err = r.ListShards(t.Context(), &kinesis.ListShardsInput{StreamName: r.stream})
		wantCode(t, err, "ResourceInUseException")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want(types.StreamStatusActive, 1)

		must(t, r.split(0, middle))
		want(types.StreamStatusUpdating, 1)
		r.put("k", "d") // still possible
		wantCode(t, r.split(0, middle), "ResourceInUseException")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want(types.StreamStatusActive, 2)

		arn := r.register("reader")
		_, err = r.subscribe(arn, shardID(1), fromLatest)
		wantCode(t, err, "ResourceInUseException")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		es, err := r.subscribe(arn, shardID(1), fromLatest)
		must(t, err)
		must(t, es.Close())

		_, err = r.DeleteStream(t.Context(), &kinesis.DeleteStreamInput{StreamName: r.stream, EnforceConsumerDeletion: aws.Bool(true)})
		must(t, err)
		want(types.StreamStatusDeleting, 2)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		_, err = r.DescribeStreamSummary(t.Context(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
		wantCode(t, err, "ResourceNotFoundException")
	})
}

func TestCloseDoesNotWaitForTransitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithTransitionTime(time.Hour))
		start := time.Now()
		must(t, r.srv.Close())
		must(t, r.srv.Close()) // again
		if d := time.Since(start); d != 0 {
			t.Fatalf("it took %s", d)
		}
	})
}

func TestRecordsAndClosedShardsAreForgottenAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		old := *r.put("a", "old").SequenceNumber
		time.Sleep(time.Hour)
		r.fill(1000)
		must(t, r.split(0, middle))
		time.Sleep(23*time.Hour + time.Second)

		// The first record has gone, the others and their closed shard have not.
		out := r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon))
		if len(out.Records) != 1000 || string(out.Records[0].Data) != "0" {
			t.Fatalf("%d records, the first is %s", len(out.Records), out.Records[0].Data)
		}
		it, err := r.iteratorAt(shardID(0), types.ShardIteratorTypeAtSequenceNumber, old)
		must(t, err)
		if got := data(r.get(it).Records); got[0] != "0" {
			t.Fatalf("a forgotten number starts at %s", got[0])
		}
		if got := ids(r.shards(&types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon})); !slices.Equal(got, []int{0}) {
			t.Fatalf("shards at the horizon %v", got)
		}

		time.Sleep(time.Hour)
		if got := ids(r.shards(nil)); !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("shards %v", got)
		}
		if got := ids(r.shards(&types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon})); !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("shards at the horizon %v", got)
		}
		_, err = r.iteratorAt(shardID(0), types.ShardIteratorTypeAtSequenceNumber, old)
		wantCode(t, err, "ResourceNotFoundException")
	})
}

func TestShardsAreFilteredByTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		start := time.Now()
		time.Sleep(time.Minute)
		must(t, r.split(0, middle)) // 1, 2
		time.Sleep(time.Minute)
		must(t, r.merge(1, 2)) // 3
		at := func(kind types.ShardFilterType, d time.Duration) []int {
			return ids(r.shards(&types.ShardFilter{Type: kind, Timestamp: aws.Time(start.Add(d))}))
		}
		for _, c := range []struct {
			kind types.ShardFilterType
			at   time.Duration
			want []int
		}{
			{types.ShardFilterTypeAtTimestamp, 0, []int{0}},
			{types.ShardFilterTypeAtTimestamp, 30 * time.Second, []int{0}},
			{types.ShardFilterTypeAtTimestamp, time.Minute, []int{0, 1, 2}}, // both ends count
			{types.ShardFilterTypeAtTimestamp, 90 * time.Second, []int{1, 2}},
			{types.ShardFilterTypeAtTimestamp, 3 * time.Minute, []int{3}},
			{types.ShardFilterTypeFromTimestamp, 0, []int{0, 1, 2, 3}},
			{types.ShardFilterTypeFromTimestamp, 90 * time.Second, []int{1, 2, 3}},
			{types.ShardFilterTypeFromTimestamp, 3 * time.Minute, []int{3}},
		} {
			if got := at(c.kind, c.at); !slices.Equal(got, c.want) {
				t.Errorf("%s %s: shards %v, want %v", c.kind, c.at, got, c.want)
			}
		}
	})
}

func TestRepliesCarryTheServersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		time.Sleep(12345 * time.Second)
		resp, err := r.srv.HTTPClient().Do(rawRequest(t.Context(), "ListStreams", "application/x-amz-json-1.1", []byte("{}")))
		must(t, err)
		defer resp.Body.Close()
		date, err := time.Parse(time.RFC1123, resp.Header.Get("Date"))
		must(t, err)
		if d := time.Since(date); d < 0 || d >= time.Second {
			t.Errorf("the clock says %s, it is %s", date, time.Now().UTC())
		}
		if len(resp.Header.Get("X-Amzn-Requestid")) != 36 || resp.Header.Get("X-Amz-Id-2") == "" {
			t.Errorf("headers %v", resp.Header)
		}
	})
}
