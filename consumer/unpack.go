package consumer

import (
	"bytes"
	"errors"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
)

// unpacker cuts pages of Kinesis records into user records, one at a time. So an aggregate with very many never stands in memory taken apart
// as a whole.
//
// What the shard's position covers is left out: when reading resumes in the middle of an aggregate, and when a source had to read a
// record once more. So is a record that a page has a second time.
type unpacker struct {
	r       *reader
	raw     bool                // aggregates are not taken apart
	through checkpoint.Position // of the last record of the last page; at first of the lease
	span    hashkey.Range       // of the shard
	judge   bool                // count members outside span

	page    []types.Record // what is not opened yet
	window  [lookAhead]aggregation.Envelope
	ahead   []aggregation.Envelope // what is left of window: that of the next records of the page
	outer   Record                 // what the members of the open aggregate have in common
	place   checkpoint.Position    // of the Kinesis record that was opened last
	members aggregation.Decoder
	user    aggregation.UserRecord // the last of them
	size    int                    // members of the last aggregate
	outside int                    // members of this page outside span

	last mark // the last record cut out of this page
}

// mark names a user record by the number of its Kinesis record and its place in that.
type mark struct {
	number string
	member int64
}

func newUnpacker(r *reader, from checkpoint.Position) *unpacker {
	u := &unpacker{r: r, raw: r.shape.Raw, through: from}
	span, err := hashkey.ParseRange(r.shard.StartingHashKey, r.shard.EndingHashKey)
	u.span, u.judge = span, err == nil && (r.c.cfg.Hooks.OutsideShard != nil || r.c.cfg.DropOutsideShard)
	return u
}

// load begins a page. The one before must have been cut up, or is given up.
func (u *unpacker) load(records []types.Record) { u.page, u.ahead = records, nil }

// left returns about how many records the page still has, if those that are not opened are like the one that is.
func (u *unpacker) left() int { return u.members.Len() + len(u.page)*max(1, u.size) }

// finish lets go of the page and of all that aliases it, so that a shard which rests keeps no memory that nobody counts. It notes up to
// where the page went.
func (u *unpacker) finish() {
	if through, err := checkpoint.At(u.last.number, u.last.member); err == nil { // else nothing was cut out of it
		u.through = through
	}
	u.page, u.outer, u.user, u.last = nil, Record{}, aggregation.UserRecord{}, mark{}
	u.ahead, u.window = nil, [lookAhead]aggregation.Envelope{}
	_ = u.members.Reset(nil) // an error means that there is nothing in it
	if u.outside > 0 {
		u.r.c.cfg.Hooks.outsideShard(u.r.shard, u.outside)
		u.outside = 0
	}
}

// cut makes r the next user record of the page; false: there is none.
func (u *unpacker) cut(r *Record) bool {
	for {
		if u.members.NextInto(&u.user) {
			if u.take(r) {
				return true
			}
			continue
		}
		if len(u.page) == 0 {
			return false
		}
		envelope := u.next()
		outer := &u.page[0]
		u.page = u.page[1:]
		if u.open(outer, envelope, r) {
			return true
		}
	}
}

// lookAhead is how many records' checksums are made together.
const lookAhead = 16

// next returns what the next record of the page is.
func (u *unpacker) next() aggregation.Envelope {
	if u.raw {
		return aggregation.Envelope{}
	}
	if len(u.ahead) == 0 {
		var data [lookAhead][]byte
		n := min(len(u.page), lookAhead)
		for i := range u.page[:n] {
			data[i] = u.page[i].Data
		}
		u.ahead = aggregation.OpenAll(u.window[:0], data[:n]...)
	}
	envelope := u.ahead[0]
	u.ahead = u.ahead[1:]
	return envelope
}

// open looks at a Kinesis record. It makes r a plain one and returns true; the members of an aggregate stand in u.members afterwards.
func (u *unpacker) open(outer *types.Record, envelope aggregation.Envelope, r *Record) bool {
	number := aws.ToString(outer.SequenceNumber)
	if u.through.Covers(number, math.MaxInt64) || u.last.number != "" && sameNumber(number, u.last.number) {
		return false
	}
	*r = Record{
		PartitionKey:       aws.ToString(outer.PartitionKey),
		SequenceNumber:     number,
		ApproximateArrival: aws.ToTime(outer.ApproximateArrivalTimestamp),
		Data:               outer.Data,
	}
	r.whole = u.raw && bytes.HasPrefix(outer.Data, []byte(aggregation.Magic))
	seen := 0 // user records of this one that are done
	if u.through.Covers(number, 0) {
		seen = int(u.through.SubSequence()) + 1
	}
	if !u.raw {
		switch err := u.members.ResetTo(envelope); {
		case err == nil:
			u.outer, u.size = *r, u.members.Len()
			u.members.Skip(seen)
			if u.members.Len() > 0 {
				u.last.number = number
			}
			return false
		case !errors.Is(err, aggregation.ErrNotAggregated) && !errors.Is(err, aggregation.ErrBadChecksum):
			u.malformed(number, err)
			r.Malformed = true
		}
	}
	u.last, u.size = mark{number, r.lastMember()}, 1
	return seen == 0 || r.whole
}

// positionOf returns the position of the record that was cut last. It costs less than that of any record.
func (u *unpacker) positionOf(r *Record) checkpoint.Position {
	if u.place.SequenceNumber() != r.SequenceNumber {
		u.place = r.position()
	}
	return u.place.WithSubSequence(r.lastMember())
}

// malformed reports an aggregate that is handled whole: its checksum says that its producer meant it so.
func (u *unpacker) malformed(number string, cause error) {
	err := &AggregateError{Shard: u.r.shard, SequenceNumber: number, Cause: cause}
	u.r.c.cfg.Hooks.malformedAggregate(err)
	u.r.log.Error("an aggregate cannot be taken apart and is handled as one record", zap.Error(err))
}

// take makes r the member of the open aggregate that was read last. It returns false for one that is left out.
func (u *unpacker) take(r *Record) bool {
	m := &u.user
	if u.judge && !u.span.Contains(hashKeyOf(m)) {
		u.outside++
		if u.r.c.cfg.DropOutsideShard {
			return false
		}
	}
	u.last.member = int64(m.SubSequence) // an index into a record of at most 10 MiB
	*r = Record{
		PartitionKey: m.PartitionKey, ExplicitHashKey: m.ExplicitHashKey,
		SequenceNumber: u.outer.SequenceNumber, SubSequence: m.SubSequence, Aggregated: true,
		ApproximateArrival: u.outer.ApproximateArrival,
		Data:               m.Data,
	}
	return true
}

// hashKeyOf returns where the member would be put if it were sent by itself.
func hashKeyOf(m *aggregation.UserRecord) hashkey.Key {
	if key, err := hashkey.Parse(m.ExplicitHashKey); err == nil {
		return key
	}
	return hashkey.Of(m.PartitionKey)
}
