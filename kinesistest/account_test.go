package kinesistest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func TestLimitsOfTheAccountCountOpenShardsAndOnDemandStreams(t *testing.T) {
	r := newRig(t, 3)
	must(t, r.merge(0, 1))
	r.createOnDemand("more")
	out, err := r.DescribeLimits(t.Context(), &kinesis.DescribeLimitsInput{})
	must(t, err)
	if *out.OpenShardCount != 2+4 || *out.OnDemandStreamCount != 1 || *out.OnDemandStreamCountLimit != 50 || *out.ShardLimit != 20000 {
		t.Fatalf("limits %d %d %d %d", *out.OpenShardCount, *out.OnDemandStreamCount, *out.OnDemandStreamCountLimit, *out.ShardLimit)
	}
}

// createOnDemand makes another stream.
func (r *rig) createOnDemand(name string) {
	r.t.Helper()
	_, err := r.CreateStream(r.ctx(), &kinesis.CreateStreamInput{
		StreamName: &name, StreamModeDetails: &types.StreamModeDetails{StreamMode: types.StreamModeOnDemand},
	})
	must(r.t, err)
}

func (r *rig) commit(status types.MinimumThroughputBillingCommitmentInputStatus) *types.MinimumThroughputBillingCommitmentOutput {
	r.t.Helper()
	out, err := r.UpdateAccountSettings(r.ctx(), &kinesis.UpdateAccountSettingsInput{
		MinimumThroughputBillingCommitment: &types.MinimumThroughputBillingCommitmentInput{Status: status},
	})
	must(r.t, err)
	return out.MinimumThroughputBillingCommitment
}

func TestACommitmentLastsADayAtLeast(t *testing.T) {
	const enable, disable = types.MinimumThroughputBillingCommitmentInputStatusEnabled, types.MinimumThroughputBillingCommitmentInputStatusDisabled
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		want := func(got *types.MinimumThroughputBillingCommitmentOutput, status types.MinimumThroughputBillingCommitmentOutputStatus) {
			t.Helper()
			out, err := r.DescribeAccountSettings(t.Context(), &kinesis.DescribeAccountSettingsInput{})
			must(t, err)
			if got.Status != status || out.MinimumThroughputBillingCommitment.Status != status {
				t.Errorf("the change says %s, the description %s, want %s", got.Status, out.MinimumThroughputBillingCommitment.Status, status)
			}
		}
		want(r.commit(disable), types.MinimumThroughputBillingCommitmentOutputStatusDisabled)
		start := time.Now()
		want(r.commit(enable), types.MinimumThroughputBillingCommitmentOutputStatusEnabled)
		time.Sleep(time.Hour)
		want(r.commit(disable), types.MinimumThroughputBillingCommitmentOutputStatusEnabledUntilEarliestAllowedEnd)
		time.Sleep(23 * time.Hour)
		out, err := r.DescribeAccountSettings(t.Context(), &kinesis.DescribeAccountSettingsInput{})
		must(t, err)
		if got := out.MinimumThroughputBillingCommitment; got.Status != "DISABLED" || !got.EndedAt.Equal(start.Add(24*time.Hour)) || !got.StartedAt.Equal(start) {
			t.Errorf("at the end %+v", got)
		}
		want(r.commit(enable), types.MinimumThroughputBillingCommitmentOutputStatusEnabled)
		time.Sleep(25 * time.Hour)
		want(r.commit(disable), types.MinimumThroughputBillingCommitmentOutputStatusDisabled)
	})
}

func TestBadAccountSettingsAreRefused(t *testing.T) {
	r := newRig(t, 1)
	for _, body := range []string{`{}`, `{"MinimumThroughputBillingCommitment":{}}`, `{"MinimumThroughputBillingCommitment":{"Status":"MAYBE"}}`} {
		r.refused("UpdateAccountSettings", body, "ValidationException")
	}
}

func TestACommitmentAllowsMoreConsumersOfOnDemandStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		provisioned := r.stream
		r.createOnDemand("more")
		register := func(i int) error {
			_, err := r.RegisterStreamConsumer(t.Context(), &kinesis.RegisterStreamConsumerInput{
				StreamARN: r.arn(), ConsumerName: aws.String(fmt.Sprint("c", i)),
			})
			return err
		}
		i := 0
		next := func() error { i++; return register(i) }
		for _, c := range []struct {
			stream *string
			commit bool
			want   int
		}{{provisioned, false, 20}, {aws.String("more"), false, 20}, {aws.String("more"), true, 30}, {provisioned, true, 0}} {
			r.stream = c.stream
			if c.commit {
				r.commit("ENABLED")
			}
			if n := calls(t, tooMany, next); n != c.want {
				t.Errorf("%s, commitment %v: %d consumers more, want %d", *c.stream, c.commit, n, c.want)
			}
		}
	})
}
