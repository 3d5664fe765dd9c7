package kinesistest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// summary describes the stream.
func (r *rig) summary() *types.StreamDescriptionSummary {
	r.t.Helper()
	out, err := r.DescribeStreamSummary(r.ctx(), &kinesis.DescribeStreamSummaryInput{StreamName: r.stream})
	must(r.t, err)
	return out.StreamDescriptionSummary
}

func (r *rig) retain(hours int32) error {
	if hours > *r.summary().RetentionPeriodHours {
		_, err := r.IncreaseStreamRetentionPeriod(r.ctx(), &kinesis.IncreaseStreamRetentionPeriodInput{StreamARN: r.arn(), RetentionPeriodHours: &hours})
		return err
	}
	_, err := r.DecreaseStreamRetentionPeriod(r.ctx(), &kinesis.DecreaseStreamRetentionPeriodInput{StreamName: r.stream, RetentionPeriodHours: &hours})
	return err
}

// kept returns what a reader at the horizon of the first shard gets.
func (r *rig) kept() []string {
	r.t.Helper()
	return data(r.get(r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon)).Records)
}

func TestRecordsAreKeptAsLongAsTheStreamSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		want := func(records ...string) {
			t.Helper()
			if got := r.kept(); !slices.Equal(got, records) {
				t.Fatalf("kept %q, want %q", got, records)
			}
		}
		r.put("k", "a")
		time.Sleep(time.Hour)
		r.put("k", "b")
		time.Sleep(23*time.Hour + time.Minute)
		must(t, r.retain(48)) // what is lost stays lost, though nobody looked for it in between
		want("b")
		time.Sleep(23 * time.Hour)
		r.put("k", "c")
		want("b", "c")
		must(t, r.retain(24))
		must(t, r.retain(8760))
		want("c")
		time.Sleep(8760*time.Hour - time.Minute)
		want("c")
		time.Sleep(time.Hour)
		want()
	})
}

func TestClosedShardsAreListedAsLongAsTheirRecordsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		must(t, r.retain(72))
		must(t, r.split(0, middle))
		time.Sleep(71 * time.Hour)
		if got := ids(r.shards(nil)); !slices.Equal(got, []int{0, 1, 2}) {
			t.Fatalf("shards %v", got)
		}
		must(t, r.retain(24))
		must(t, r.retain(72))
		if got := ids(r.shards(nil)); !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("shards %v", got)
		}
	})
}

func TestBadRetentionPeriodsAreRefused(t *testing.T) {
	r := newRig(t, 1)
	must(t, r.retain(48))
	for _, c := range []struct{ operation, hours, code string }{
		{"IncreaseStreamRetentionPeriod", "48", "InvalidArgumentException"},
		{"IncreaseStreamRetentionPeriod", "47", "InvalidArgumentException"},
		{"IncreaseStreamRetentionPeriod", "8761", "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", "48", "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", "49", "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", "23", "InvalidArgumentException"},
		{"DecreaseStreamRetentionPeriod", "null", "ValidationException"},
	} {
		r.refused(c.operation, `{"StreamName":"orders","RetentionPeriodHours":`+c.hours+`}`, c.code)
	}
	r.refused("IncreaseStreamRetentionPeriod", `{"StreamName":"other","RetentionPeriodHours":72}`, "ResourceNotFoundException")
	if got := *r.summary().RetentionPeriodHours; got != 48 {
		t.Errorf("records are kept for %d hours", got)
	}
}

func TestMetricsOfShardsAreSwitchedOnAndOff(t *testing.T) {
	r := newRig(t, 1)
	enable := func(metrics ...types.MetricsName) ([]types.MetricsName, []types.MetricsName) {
		t.Helper()
		out, err := r.EnableEnhancedMonitoring(t.Context(), &kinesis.EnableEnhancedMonitoringInput{StreamName: r.stream, ShardLevelMetrics: metrics})
		must(t, err)
		return out.CurrentShardLevelMetrics, out.DesiredShardLevelMetrics
	}
	enable("OutgoingBytes")
	if before, after := enable("IncomingBytes", "OutgoingBytes"); len(before) != 1 || !slices.Equal(after, []types.MetricsName{"IncomingBytes", "OutgoingBytes"}) {
		t.Errorf("from %v to %v", before, after)
	}
	if _, after := enable("ALL"); len(after) != 7 {
		t.Errorf("all are %v", after)
	}
	out, err := r.DisableEnhancedMonitoring(t.Context(), &kinesis.DisableEnhancedMonitoringInput{
		StreamARN: r.arn(), ShardLevelMetrics: []types.MetricsName{"IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords", "IteratorAgeMilliseconds"},
	})
	must(t, err)
	left := []types.MetricsName{"WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded"}
	if got := r.summary().EnhancedMonitoring; !slices.Equal(out.DesiredShardLevelMetrics, left) || !slices.Equal(got[0].ShardLevelMetrics, left) {
		t.Errorf("left are %v, described %v", out.DesiredShardLevelMetrics, got)
	}
	r.refused("EnableEnhancedMonitoring", `{"StreamName":"orders","ShardLevelMetrics":["Everything"]}`, "ValidationException")
	r.refused("EnableEnhancedMonitoring", `{"StreamName":"orders","ShardLevelMetrics":[]}`, "ValidationException")
}

func TestPoliciesAreKeptForStreamsAndConsumers(t *testing.T) {
	r := newRig(t, 1)
	for _, arn := range []*string{r.arn(), r.register("reader")} {
		get := func() string {
			t.Helper()
			out, err := r.GetResourcePolicy(t.Context(), &kinesis.GetResourcePolicyInput{ResourceARN: arn})
			must(t, err)
			return *out.Policy
		}
		if got := get(); got != "{}" {
			t.Errorf("at first the policy is %s", got)
		}
		const policy = `{"Version":"2012-10-17","Statement":[]}`
		_, err := r.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: aws.String(policy)})
		must(t, err)
		if got := get(); got != policy {
			t.Errorf("the policy is %s", got)
		}
		for _, bad := range []string{"", "{", "[]", "{}", "{} {}"} {
			_, err := r.PutResourcePolicy(t.Context(), &kinesis.PutResourcePolicyInput{ResourceARN: arn, Policy: &bad})
			wantCode(t, err, "InvalidArgumentException")
		}
		_, err = r.DeleteResourcePolicy(t.Context(), &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
		must(t, err)
		_, err = r.DeleteResourcePolicy(t.Context(), &kinesis.DeleteResourcePolicyInput{ResourceARN: arn})
		wantCode(t, err, "ResourceNotFoundException")
	}
	_, err := r.GetResourcePolicy(t.Context(), &kinesis.GetResourcePolicyInput{ResourceARN: aws.String(*r.arn() + "x")})
	wantCode(t, err, "ResourceNotFoundException")
}

func (r *rig) streamTags(after *string, limit *int32) (map[string]string, bool) {
	r.t.Helper()
	out, err := r.ListTagsForStream(r.ctx(), &kinesis.ListTagsForStreamInput{StreamName: r.stream, ExclusiveStartTagKey: after, Limit: limit})
	must(r.t, err)
	return tagMap(out.Tags), *out.HasMoreTags
}

func tagMap(tags []types.Tag) map[string]string {
	m := map[string]string{}
	for _, tag := range tags {
		m[*tag.Key] = *tag.Value
	}
	return m
}

func TestTagsOfAStream(t *testing.T) {
	r := newRig(t, 1)
	tags := map[string]string{}
	for i := range 50 {
		tags[fmt.Sprintf("key-%02d", i)] = strings.Repeat("ü", 256)
	}
	_, err := r.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: r.stream, Tags: tags})
	must(t, err)
	_, err = r.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamName: r.stream, Tags: map[string]string{"key-50": ""}})
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.AddTagsToStream(t.Context(), &kinesis.AddTagsToStreamInput{StreamARN: r.arn(), Tags: map[string]string{"key-49": "new"}})
	must(t, err)

	got, more := r.streamTags(aws.String("key-46"), aws.Int32(2))
	if !more || len(got) != 2 || got["key-47"] == "" || got["key-48"] == "" {
		t.Errorf("a page of %v, more: %v", got, more)
	}
	got, more = r.streamTags(aws.String("key-48"), nil)
	if more || len(got) != 1 || got["key-49"] != "new" {
		t.Errorf("the last page of %v, more: %v", got, more)
	}
	_, err = r.RemoveTagsFromStream(t.Context(), &kinesis.RemoveTagsFromStreamInput{StreamName: r.stream, TagKeys: []string{"key-00", "unknown"}})
	must(t, err)
	if got, _ := r.streamTags(nil, nil); len(got) != 49 {
		t.Errorf("%d tags are left", len(got))
	}
}

func TestTagsOfResources(t *testing.T) {
	r := newRig(t, 1)
	_, err := r.CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("tagged"), ShardCount: aws.Int32(1), Tags: map[string]string{"a": "1"}})
	must(t, err)
	r.stream = aws.String("tagged")
	consumer, err := r.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{StreamARN: r.arn(), ConsumerName: aws.String("c"), Tags: map[string]string{"a": "1"}})
	must(t, err)
	for _, arn := range []*string{r.arn(), consumer.Consumer.ConsumerARN} {
		_, err = r.TagResource(t.Context(), &kinesis.TagResourceInput{ResourceARN: arn, Tags: map[string]string{"b": "2", "c": "3"}})
		must(t, err)
		_, err = r.UntagResource(t.Context(), &kinesis.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"b"}})
		must(t, err)
		out, err := r.ListTagsForResource(t.Context(), &kinesis.ListTagsForResourceInput{ResourceARN: arn})
		must(t, err)
		if got := tagMap(out.Tags); len(got) != 2 || got["a"] != "1" || got["c"] != "3" {
			t.Errorf("%s has tags %v", *arn, got)
		}
	}
	for body, code := range map[string]string{
		`{"Tags":{"a":"b"}}`:                                                                                   "ValidationException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{}}`:                                                         "ValidationException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{"":"x"}}`:                                                   "ValidationException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{"` + strings.Repeat("x", 129) + `":"x"}}`:                   "ValidationException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{"x":"` + strings.Repeat("x", 257) + `"}}`:                   "ValidationException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{"aws:x":"x"}}`:                                              "InvalidArgumentException",
		`{"ResourceARN":"` + *r.arn() + `","Tags":{"x":"!"}}`:                                                  "InvalidArgumentException",
		`{"ResourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/none","Tags":{"a":"b"}}`:                "ResourceNotFoundException",
		`{"ResourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/tagged/consumer/c:1","Tags":{"a":"b"}}`: "ResourceNotFoundException",
		`{"ResourceARN":"nonsense","Tags":{"a":"b"}}`:                                                          "ValidationException",
	} {
		r.refused("TagResource", body, code)
	}
}

func (r *rig) setMode(mode types.StreamMode) error {
	_, err := r.UpdateStreamMode(r.ctx(), &kinesis.UpdateStreamModeInput{
		StreamARN: r.arn(), StreamModeDetails: &types.StreamModeDetails{StreamMode: mode},
	})
	return err
}

func TestAStreamChangesItsMode(t *testing.T) {
	r := newRig(t, 2)
	wantCode(t, r.setMode("PROVISIONED"), "InvalidArgumentException")
	wantCode(t, r.setMode("OTHER"), "ValidationException")
	must(t, r.setMode("ON_DEMAND"))
	if s := r.summary(); s.StreamModeDetails.StreamMode != "ON_DEMAND" || *s.OpenShardCount != 2 || s.RecordDistributionStrategy != "USER_PARTITION_KEY" {
		t.Errorf("summary %+v", s)
	}
	wantCode(t, r.split(0, middle), "ValidationException")
	_, err := r.UpdateStreamRecordDistributionStrategy(t.Context(), &kinesis.UpdateStreamRecordDistributionStrategyInput{
		StreamARN: r.arn(), RecordDistributionStrategy: types.RecordDistributionStrategyAuto,
	})
	must(t, err)
	keyless := func() error {
		_, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{StreamName: r.stream, Data: []byte("x")})
		return err
	}
	must(t, keyless())
	must(t, r.setMode("PROVISIONED"))
	wantCode(t, keyless(), "ValidationException")
	must(t, r.merge(0, 1))
}

func TestAStreamChangesItsModeTwiceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, kinesistest.WithLimits(kinesistest.Limits{Operations: 1}))
		must(t, r.setMode("ON_DEMAND"))
		must(t, r.setMode("PROVISIONED"))
		wantCode(t, r.setMode("ON_DEMAND"), tooMany)
		time.Sleep(24 * time.Hour)
		must(t, r.setMode("ON_DEMAND"))
	})
}

func TestWarmThroughputNeedsACommitmentAndOpensShards(t *testing.T) {
	r := newRig(t, 1)
	warm := func(mib int32) (*types.WarmThroughputObject, error) {
		out, err := r.UpdateStreamWarmThroughput(t.Context(), &kinesis.UpdateStreamWarmThroughputInput{StreamARN: r.arn(), WarmThroughputMiBps: &mib})
		if err != nil {
			return nil, err
		}
		return out.WarmThroughput, nil
	}
	_, err := warm(8)
	wantCode(t, err, "InvalidArgumentException") // provisioned
	must(t, r.setMode("ON_DEMAND"))
	_, err = warm(8)
	wantCode(t, err, "ValidationException") // no commitment
	r.commit("ENABLED")
	_, err = warm(10241)
	wantCode(t, err, tooMany)
	got, err := warm(8)
	must(t, err)
	if *got.CurrentMiBps != 0 || *got.TargetMiBps != 8 {
		t.Errorf("from %d to %d", *got.CurrentMiBps, *got.TargetMiBps)
	}
	if s := r.summary(); *s.OpenShardCount != 8 || *s.WarmThroughput.CurrentMiBps != 8 {
		t.Errorf("summary %+v", s)
	}
	_, err = r.CreateStream(t.Context(), &kinesis.CreateStreamInput{
		StreamName: aws.String("warm"), StreamModeDetails: &types.StreamModeDetails{StreamMode: "ON_DEMAND"}, WarmThroughputMiBps: aws.Int32(16),
	})
	must(t, err)
	r.stream = aws.String("warm")
	if s := r.summary(); *s.OpenShardCount != 16 {
		t.Errorf("summary %+v", s)
	}
}

func TestTheServiceScalesOnDemandStreams(t *testing.T) {
	r := newRig(t, 1)
	r.createOnDemand("more")
	r.stream = aws.String("more")
	shards := r.fill(100)
	must(t, r.srv.Scale("more", 7))
	if n := *r.summary().OpenShardCount; n != 7 {
		t.Errorf("%d shards", n)
	}
	if again := r.fill(100); slices.Equal(again, shards) {
		t.Error("the records went where they went before")
	}
	must(t, r.srv.Scale("more", 1))
	for _, bad := range []int{0, 10001} {
		if r.srv.Scale("more", bad) == nil {
			t.Errorf("it was scaled to %d", bad)
		}
	}
	if r.srv.Scale("none", 1) == nil {
		t.Error("a stream that is not there was scaled")
	}
}
