package kinesis

import (
	"slices"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// writeText writes a member whose value is text.
func writeText(enc wire.Encoder, name, value string) {
	enc.Name(name)
	enc.Text(value)
}

// writeNumber writes a member whose value is a whole number.
func writeNumber(enc wire.Encoder, name string, value int64) {
	enc.Name(name)
	enc.Int(value)
}

// writeMillis writes a member whose value is a timestamp.
func writeMillis(enc wire.Encoder, name string, ms int64) {
	enc.Name(name)
	enc.Millis(ms)
}

// writeStream writes the members that all descriptions of a stream have.
func writeStream(enc wire.Encoder, st *stream) {
	writeText(enc, "StreamName", st.name)
	writeText(enc, "StreamARN", st.arn)
	writeText(enc, "StreamStatus", st.getStatus())
	writeMillis(enc, "StreamCreationTimestamp", st.createdAt)
	enc.Name("StreamModeDetails")
	enc.Map()
	writeText(enc, "StreamMode", st.getMode())
	enc.EndMap()
}

// writeDetails writes the members that the two detailed descriptions share besides those.
func writeDetails(enc wire.Encoder, st *stream) {
	writeStream(enc, st)
	st.mu.RLock()
	key, metrics := st.key, st.metrics
	st.mu.RUnlock()
	writeNumber(enc, "RetentionPeriodHours", st.retention.hours.Load())
	writeEncryption(enc, key)
	enc.Name("EnhancedMonitoring")
	enc.Array()
	enc.Map()
	writeTexts(enc, "ShardLevelMetrics", metrics)
	enc.EndMap()
	enc.EndArray()
}

func (db *DB) describeStreamSummary(c *call) error {
	var ref streamRef
	if err := c.decode(ref.member); err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	open := len(*st.route.Load())
	st.mu.RLock()
	recordKiB, consumers, auto, mode, warm := st.recordKiB, len(st.consumers), st.auto, st.mode, st.warmMiB
	if st.status == statusCreating {
		open = 0
	}
	st.mu.RUnlock()
	enc := c.out(kib)
	enc.Map()
	enc.Name("StreamDescriptionSummary")
	enc.Map()
	writeDetails(enc, st)
	writeNumber(enc, "OpenShardCount", int64(open))
	writeNumber(enc, "ConsumerCount", int64(consumers))
	writeNumber(enc, "ChannelCount", 0)
	writeNumber(enc, "MaxRecordSizeInKiB", recordKiB)
	if mode == modeOnDemand {
		writeText(enc, "RecordDistributionStrategy", strategyName(auto))
	}
	if warm > 0 {
		writeWarmThroughput(enc, warm, warm)
	}
	enc.EndMap()
	enc.EndMap()
	return nil
}

// maxDescribedShards is the most shards that DescribeStream returns, whatever its Limit says.
const maxDescribedShards = 100

func (db *DB) describeStream(c *call) error {
	var ref streamRef
	var after *string
	var limit *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "ExclusiveStartShardId":
			after = wire.Text(d)
		case "Limit":
			limit = number(d)
		default:
			return ref.member(d, name)
		}
		return true
	})
	err = first(err, checkOptionalName("exclusiveStartShardId", after), checkRange("limit", limit, 1, 10000))
	if err != nil {
		return err
	}
	st, err := db.stream(ref)
	if err != nil {
		return err
	}
	shards := st.listed(millis())
	if after != nil {
		shards = slices.DeleteFunc(shards, func(s *shard) bool { return s.id <= *after })
	}
	n := min(len(shards), int(or(limit, maxDescribedShards)), maxDescribedShards)
	enc := c.out(kib + n*shardSize)
	enc.Map()
	enc.Name("StreamDescription")
	enc.Map()
	writeDetails(enc, st)
	writeShards(enc, shards[:n])
	enc.Name("HasMoreShards")
	enc.Bool(n < len(shards))
	enc.EndMap()
	enc.EndMap()
	return nil
}

func (db *DB) listStreams(c *call) error {
	var after, token *string
	var limit *int64
	err := c.decode(func(d wire.Decoder, name string) bool {
		switch name {
		case "ExclusiveStartStreamName":
			after = wire.Text(d)
		case "NextToken":
			token = wire.Text(d)
		case "Limit":
			limit = number(d)
		default:
			return false
		}
		return true
	})
	err = first(err, checkOptionalName("exclusiveStartStreamName", after), checkOptionalName("nextToken", token),
		checkRange("limit", limit, 1, 10000))
	if err != nil {
		return err
	}
	if token != nil { // a token of this operation is the name of the last stream that was listed
		after = token
	}
	streams := slices.DeleteFunc(db.sortedStreams(), func(st *stream) bool { return after != nil && st.name <= *after })
	n := min(len(streams), int(or(limit, 100)), 100)
	writeStreams(c.out(kib+512*n), streams[:n], n < len(streams))
	return nil
}

func writeStreams(enc wire.Encoder, streams []*stream, more bool) {
	enc.Map()
	enc.Name("StreamNames")
	enc.Array()
	for _, st := range streams {
		enc.Text(st.name)
	}
	enc.EndArray()
	enc.Name("StreamSummaries")
	enc.Array()
	for _, st := range streams {
		enc.Map()
		writeStream(enc, st)
		enc.EndMap()
	}
	enc.EndArray()
	enc.Name("HasMoreStreams")
	enc.Bool(more)
	if more {
		writeText(enc, "NextToken", streams[len(streams)-1].name)
	}
	enc.EndMap()
}
