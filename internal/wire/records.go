package wire

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kinesis/schemas"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"github.com/aws/smithy-go"
)

// The bulk of a reply is read by hand if its entries are as they were when this was written. If the SDK knows another member,
// they are read by their schema, so that the member is not lost.
var (
	recordsByHand = hasOnly(schemas.Record,
		"ApproximateArrivalTimestamp", "Data", "EncryptionType", "PartitionKey", "SequenceNumber")
	resultsByHand = hasOnly(schemas.PutRecordsResultEntry,
		"ErrorCode", "ErrorMessage", "SequenceNumber", "ShardId")
)

func hasOnly(s *smithy.Schema, names ...string) bool {
	for _, name := range names {
		if s.Member(name) == nil {
			return false
		}
	}
	return len(s.Members()) == len(names)
}

// recordParts is what the pointers of a record lead to.
type recordParts struct {
	sequence, key string
	arrived       time.Time
}

// records consumes a list of records. Their data aliases the document; all else lies in pieces of memory that they share.
func (d *deserializer) records() []types.Record {
	list := batch[types.Record, recordParts]{entries: []types.Record{}, from: d.pos}
	var text textSlab
	for r := d.enterArray(); d.more(&r); {
		if record, parts := list.add(d, r); record != nil && !d.null() {
			d.record(record, parts, &text)
		}
	}
	return list.entries
}

func (d *deserializer) record(record *types.Record, parts *recordParts, text *textSlab) {
	for r := d.enterMap(); d.more(&r); {
		name := d.text()
		if d.null() {
			continue
		}
		switch string(name) {
		case "Data":
			record.Data = d.blob()
		case "SequenceNumber":
			parts.sequence = d.slabbed(text)
			record.SequenceNumber = &parts.sequence
		case "PartitionKey":
			parts.key = d.slabbed(text)
			record.PartitionKey = &parts.key
		case "ApproximateArrivalTimestamp":
			parts.arrived = d.timestamp()
			record.ApproximateArrivalTimestamp = &parts.arrived
		case "EncryptionType":
			record.EncryptionType = encryption(d.text())
		default:
			d.skip()
		}
	}
}

// slabbed consumes text.
func (d *deserializer) slabbed(text *textSlab) string {
	b := d.text()
	return text.string(b, d.left()+len(b))
}

// encryption returns the type that b names, without an allocation if it is one of those known.
func encryption(b []byte) types.EncryptionType {
	switch string(b) {
	case string(types.EncryptionTypeNone):
		return types.EncryptionTypeNone
	case string(types.EncryptionTypeKms):
		return types.EncryptionTypeKms
	}
	return types.EncryptionType(b)
}

// results consumes the list of what became of each record of a PutRecords request.
func (d *deserializer) results() []types.PutRecordsResultEntry {
	list := batch[types.PutRecordsResultEntry, string]{entries: []types.PutRecordsResultEntry{}, from: d.pos}
	var text resultText
	for r := d.enterArray(); d.more(&r); {
		if result, sequence := list.add(d, r); result != nil && !d.null() {
			d.result(result, sequence, &text)
		}
	}
	return list.entries
}

// result consumes what became of one record. If it was stored, sequence is where its sequence number goes.
func (d *deserializer) result(result *types.PutRecordsResultEntry, sequence *string, text *resultText) {
	for r := d.enterMap(); d.more(&r); {
		name := d.text()
		if d.null() {
			continue
		}
		switch string(name) {
		case "SequenceNumber":
			*sequence = text.string(d)
			result.SequenceNumber = sequence
		case "ShardId":
			result.ShardId = text.shard(d)
		case "ErrorCode":
			code := text.string(d)
			result.ErrorCode = &code
		case "ErrorMessage":
			message := text.string(d)
			result.ErrorMessage = &message
		default:
			d.skip()
		}
	}
}

// resultText makes the strings of a list of results.
type resultText struct {
	slab   textSlab
	shards [32]*string // those seen, each at the place that its last two digits give
}

// string consumes text. Names and heads take up about as much of the document as what they stand before, so half of it is still to come.
func (t *resultText) string(d *deserializer) string {
	b := d.text()
	return t.slab.string(b, d.left()/2+len(b))
}

// shard consumes the id of a shard. A reply has hundreds of them, mostly of few shards: those that are the same share one string.
func (t *resultText) shard(d *deserializer) *string {
	b := d.text()
	place := uint(0)
	for _, digit := range b[max(len(b)-2, 0):] {
		place = 10*place + uint(digit)
	}
	seen := &t.shards[place%uint(len(t.shards))]
	if *seen == nil || string(b) != **seen {
		id := t.slab.string(b, d.left()/2+len(b))
		*seen = &id
	}
	return *seen
}
