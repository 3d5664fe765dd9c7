package cloudwatch

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/penstock-go/penstock/metrics/internal/catalog"
	"github.com/penstock-go/penstock/producer"
)

const (
	count  = types.StandardUnitCount
	bytes  = types.StandardUnitBytes
	millis = types.StandardUnitMilliseconds
)

// Producer returns hooks for a producer to the stream.
func (m *Metrics) Producer(stream string) producer.Hooks {
	p := produced{m: m, stream: stream}
	return producer.Hooks{
		RequestDone:       p.request,
		KinesisRecordDone: p.attempted,
		UserRecordsDone:   p.finished,
		HotShard:          func(h producer.HotShard) { p.put("ProducerHotShard", count, Summary, h.ShardID, 1, 1) },
		WrongShard: func(w producer.WrongShard) {
			p.put("ProducerWrongShard", count, Summary, w.Actual, float64(w.UserRecords), 1)
		},
	}
}

// produced puts the metrics of one producer as the KPL does: at each level of dimensions.
type produced struct {
	m      *Metrics
	stream string
}

// put counts a value n times: by the stream and, where wanted and known, by the shard.
func (p *produced) put(name string, unit types.StandardUnit, level Level, shard string, v, n float64) {
	p.putCode(name, unit, level, shard, "", v, n)
}

func (p *produced) putCode(name string, unit types.StandardUnit, level Level, shard, code string, v, n float64) {
	if level > p.m.cfg.Level {
		return
	}
	of := series{name: name, unit: unit, code: code, stream: p.stream}
	if p.m.cfg.Shards {
		of.shard = shard
	}
	p.m.store.add(of, v, n)
}

func (p *produced) request(r producer.RequestDone) {
	p.put("RequestTime", millis, Detailed, "", float64(r.Duration.Milliseconds()), 1)
	p.put("KinesisRecordsPerPutRecordsRequest", count, Detailed, "", float64(r.Records), 1)
	p.put("UserRecordsPerPutRecordsRequest", count, Detailed, "", float64(r.UserRecords), 1)
}

// attempted counts successes as 1 and failures as 0, so that the average is the rate of success.
func (p *produced) attempted(r producer.KinesisRecordDone) {
	p.put("BufferingTime", millis, Summary, r.ShardID, float64(r.Buffering.Milliseconds()), 1)
	if r.Code != "" {
		p.putCode("ErrorsByCode", count, Summary, r.ShardID, r.Code, 1, 1)
		p.put("AllErrors", count, Summary, r.ShardID, 1, 1)
		p.put("KinesisRecordsPut", count, Summary, r.ShardID, 0, 1)
		return
	}
	p.put("AllErrors", count, Summary, r.ShardID, 0, 1)
	p.put("KinesisRecordsPut", count, Summary, r.ShardID, 1, 1)
	p.put("KinesisRecordsDataPut", bytes, Detailed, r.ShardID, float64(r.Bytes), 1)
	p.put("UserRecordsPerKinesisRecord", count, Detailed, r.ShardID, float64(r.UserRecords), 1)
}

func (p *produced) finished(d producer.UserRecordsDone) {
	n := float64(d.UserRecords)
	ok := 1.
	if d.Err != nil {
		ok = 0
	} else {
		p.put("UserRecordsDataPut", bytes, Detailed, d.ShardID, float64(d.Bytes), 1)
	}
	if errors.Is(d.Err, producer.ErrExpired) {
		p.put("UserRecordExpired", count, Summary, d.ShardID, 1, n)
	}
	p.put("UserRecordsReceived", count, Detailed, "", 1, n)
	p.put("UserRecordsPut", count, Summary, d.ShardID, ok, n)
	if d.Attempts > 0 {
		p.put("RetriesPerRecord", count, Detailed, d.ShardID, float64(d.Attempts-1), n)
	}
}

// Watch puts UserRecordsPending of the producer, at [Detailed].
func (m *Metrics) Watch(stream string, p Stater) { m.state.Watch(stream, p) }

// Stater tells what is buffered; *producer.Producer is one.
type Stater = catalog.Stater
