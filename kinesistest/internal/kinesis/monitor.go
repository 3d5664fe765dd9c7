package kinesis

import (
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// shardMetrics are the metrics of single shards that can be asked for. The emulator keeps the choice and reports no metrics.
var shardMetrics = []string{
	"IncomingBytes", "IncomingRecords", "OutgoingBytes", "OutgoingRecords",
	"WriteProvisionedThroughputExceeded", "ReadProvisionedThroughputExceeded", "IteratorAgeMilliseconds",
}

const allMetrics = "ALL"

func (db *DB) enableEnhancedMonitoring(c *call) error {
	return db.changeMetrics(c, func(present, named []string) []string {
		return slices.DeleteFunc(slices.Clone(shardMetrics), func(m string) bool {
			return !slices.Contains(present, m) && !slices.Contains(named, m)
		})
	})
}

func (db *DB) disableEnhancedMonitoring(c *call) error {
	return db.changeMetrics(c, func(present, named []string) []string {
		return slices.DeleteFunc(slices.Clone(present), func(m string) bool { return slices.Contains(named, m) })
	})
}

// changeMetrics replaces the metrics of a stream by what change makes of them and of those that the request names.
func (db *DB) changeMetrics(c *call, change func(present, named []string) []string) error {
	var ref streamRef
	var named []string
	err := c.decode(func(d wire.Decoder, name string) bool {
		if name == "ShardLevelMetrics" {
			named = decodeKeys(d)
			return true
		}
		return ref.member(d, name)
	})
	if err != nil {
		return err
	}
	if len(named) < 1 || len(named) > len(shardMetrics) {
		return invalid("shardLevelMetrics", "must have 1 to %d members", len(shardMetrics))
	}
	for _, m := range named {
		if m != allMetrics && !slices.Contains(shardMetrics, m) {
			return invalid("shardLevelMetrics", "value %q is not a metric", m)
		}
	}
	if slices.Contains(named, allMetrics) {
		named = shardMetrics
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	var before, after []string
	err = db.update(st, func() error {
		before = st.metrics
		after = change(before, named)
		return nil
	}, func() { st.metrics = after })
	if err != nil {
		return err
	}
	enc := c.out(kib)
	enc.Map()
	writeText(enc, "StreamName", st.name)
	writeText(enc, "StreamARN", st.arn)
	writeTexts(enc, "CurrentShardLevelMetrics", before)
	writeTexts(enc, "DesiredShardLevelMetrics", after)
	enc.EndMap()
	return nil
}

func writeTexts(enc wire.Encoder, name string, values []string) {
	enc.Name(name)
	enc.Array()
	for _, v := range values {
		enc.Text(v)
	}
	enc.EndArray()
}
