package consumer

import (
	"errors"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
)

// unpacker cuts pages of Kinesis records into batches of user records. Aggregates are taken apart as batches need their members, so that
// one with very many never stands in memory taken apart as a whole.
//
// What the shard's position covers is left out: when reading resumes in the middle of an aggregate, and when a source had to read a
// record once more.
type unpacker struct {
	r          *reader
	through    checkpoint.Position // of the last record of the last page; at first of the lease
	span       hashkey.Range       // of the shard
	judge      bool                // count members outside span
	maxRecords int
	maxBytes   int

	page    []types.Record // what is not opened yet
	outer   *types.Record  // the record that members are being taken from
	members aggregation.Decoder
	spare   Record // cut out already, but too large for the last batch
	kept    bool   // there is a spare
	outside int    // members of this page outside span

	batch []Record // memory of the last batch, used again
	last  Record   // the last record cut out of this page
}

func newUnpacker(r *reader, from checkpoint.Position) *unpacker {
	u := &unpacker{r: r, through: from, maxRecords: r.c.cfg.MaxBatchRecords, maxBytes: r.c.cfg.MaxBatchBytes}
	span, err := hashkey.ParseRange(r.shard.StartingHashKey, r.shard.EndingHashKey)
	u.span, u.judge = span, err == nil && r.c.cfg.Hooks.OutsideShard != nil
	return u
}

// load begins a page. The one before must have been cut up.
func (u *unpacker) load(records []types.Record) { u.page = records }

// next returns the next batch of the page: at least one record, and no more than the limits allow. It returns nil when the page is
// done. The slice is valid until the next call.
func (u *unpacker) next() []Record {
	u.batch = u.batch[:0]
	bytes := 0
	for len(u.batch) < u.maxRecords {
		record, ok := u.cut()
		if !ok {
			break
		}
		bytes += len(record.Data) + len(record.PartitionKey)
		if bytes > u.maxBytes && len(u.batch) > 0 {
			u.spare, u.kept = record, true
			break
		}
		u.batch = append(u.batch, record)
	}
	if n := len(u.batch); n > 0 {
		u.last = u.batch[n-1]
	}
	if len(u.batch) == 0 {
		u.finish()
		return nil
	}
	return u.batch
}

// finish lets go of the page and of all that aliases it, so that a shard which rests keeps no memory that nobody counts. It notes up to
// where the page went.
func (u *unpacker) finish() {
	if u.last.SequenceNumber == "" {
		return // nothing was cut out of it
	}
	if through, err := u.last.position(); err == nil {
		u.through = through
	}
	u.outer, u.spare, u.last = nil, Record{}, Record{}
	_ = u.members.Reset(nil) // an error means that there is nothing in it
	clear(u.batch[:cap(u.batch)])
	if u.outside > 0 {
		u.r.c.cfg.Hooks.outsideShard(u.r.shard, u.outside)
		u.outside = 0
	}
}

// cut returns the next user record of the page.
func (u *unpacker) cut() (Record, bool) {
	if u.kept {
		u.kept = false
		return u.spare, true
	}
	for {
		if member, ok := u.members.Next(); ok {
			return u.member(member), true
		}
		if len(u.page) == 0 {
			return Record{}, false
		}
		u.outer, u.page = &u.page[0], u.page[1:]
		if record, plain := u.open(); plain {
			return record, true
		}
	}
}

// open looks at u.outer. A plain record is returned; the members of an aggregate stand in u.members afterwards.
func (u *unpacker) open() (Record, bool) {
	number := aws.ToString(u.outer.SequenceNumber)
	if u.through.Covers(number, math.MaxInt64) {
		return Record{}, false
	}
	seen := 0 // user records of this one that are done
	if u.through.Covers(number, 0) {
		seen = int(u.through.SubSequence()) + 1
	}
	switch err := u.members.Reset(u.outer.Data); {
	case err == nil:
		u.members.Skip(seen)
		return Record{}, false
	case !errors.Is(err, aggregation.ErrNotAggregated) && !errors.Is(err, aggregation.ErrBadChecksum):
		u.malformed(number, err)
	}
	return u.plain(), seen == 0
}

// malformed reports an aggregate that is handled whole: its checksum says that its producer meant it so.
func (u *unpacker) malformed(number string, cause error) {
	err := &AggregateError{Shard: u.r.shard, SequenceNumber: number, Cause: cause}
	u.r.c.cfg.Hooks.malformedAggregate(err)
	u.r.log.Error("an aggregate cannot be taken apart and is handled as one record", zap.Error(err))
}

func (u *unpacker) plain() Record {
	return Record{
		PartitionKey:       aws.ToString(u.outer.PartitionKey),
		SequenceNumber:     aws.ToString(u.outer.SequenceNumber),
		ApproximateArrival: aws.ToTime(u.outer.ApproximateArrivalTimestamp),
		Data:               u.outer.Data,
	}
}

func (u *unpacker) member(m aggregation.UserRecord) Record {
	if u.judge && !u.span.Contains(hashKeyOf(m)) {
		u.outside++
	}
	return Record{
		PartitionKey: m.PartitionKey, ExplicitHashKey: m.ExplicitHashKey,
		SequenceNumber: aws.ToString(u.outer.SequenceNumber), SubSequence: m.SubSequence, Aggregated: true,
		ApproximateArrival: aws.ToTime(u.outer.ApproximateArrivalTimestamp),
		Data:               m.Data,
	}
}

// hashKeyOf returns where the member would be put if it were sent by itself.
func hashKeyOf(m aggregation.UserRecord) hashkey.Key {
	if key, err := hashkey.Parse(m.ExplicitHashKey); err == nil {
		return key
	}
	return hashkey.Of(m.PartitionKey)
}
