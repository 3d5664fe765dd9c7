package kinesis

import (
	"math/rand/v2"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The record distribution strategies of an on-demand stream. With AUTO, records go to any shard: partition keys are optional
// and do not matter, and there is no order to ask for.
const (
	strategyAuto = "AUTO"
	strategyKeys = "USER_PARTITION_KEY"
)

func strategyName(auto bool) string {
	if auto {
		return strategyAuto
	}
	return strategyKeys
}

// checkStrategy checks the name of a strategy, if it is there.
func checkStrategy(v *string) error {
	if v != nil && *v != strategyAuto && *v != strategyKeys {
		return invalid("recordDistributionStrategy", "value %q is not one of %s, %s", *v, strategyAuto, strategyKeys)
	}
	return nil
}

// anyHashKey returns a point that is as likely to be in one place of the space as in any other.
func anyHashKey() hashKey { return hashKey{rand.Uint64(), rand.Uint64()} }

// updateStreamRecordDistributionStrategy takes effect at once. What is stored stays where it is.
func (db *DB) updateStreamRecordDistributionStrategy(c *call) error {
	var ref streamRef
	var strategy *string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "RecordDistributionStrategy" {
			strategy = wire.Text(d)
			return true
		}
		return ref.member(d, name)
	})
	err = first(err, checkRequired("streamARN", ref.arn), checkRequired("recordDistributionStrategy", strategy), checkStrategy(strategy))
	if err != nil {
		return err
	}
	st, err := db.readyStream(ref)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mode != modeOnDemand {
		return invalidArgument("stream %s is not on-demand", st.name)
	}
	st.auto = *strategy == strategyAuto
	return nil
}
