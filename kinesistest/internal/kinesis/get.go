package kinesis

import (
	"fmt"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The bounds of one GetRecords call.
const (
	maxGetRecords = 10000
	maxGetBytes   = 10 * mib // data and partition keys
)

type getRecordsInput struct {
	iterator *string
	limit    *int64
	arn      *string
	dryRun   bool
}

func (in *getRecordsInput) member(d wire.Decoder, name string) bool {
	switch name {
	case "ShardIterator":
		in.iterator = wire.Text(d)
	case "Limit":
		in.limit = number(d)
	case "StreamARN":
		in.arn = wire.Text(d)
	case "DryRun":
		in.dryRun = d.Bool()
	default:
		return false
	}
	return true
}

func (in *getRecordsInput) check() error {
	if err := first(checkRequired("shardIterator", in.iterator), checkRange("limit", in.limit, 1, 1<<31-1)); err != nil {
		return err
	}
	if or(in.limit, 1) > maxGetRecords {
		return invalidArgument("limit %d is more than %d", *in.limit, maxGetRecords)
	}
	return nil
}

func (db *DB) getRecords(c *call) error {
	var in getRecordsInput
	if err := first(c.decode(in.member), in.check()); err != nil {
		return err
	}
	now := millis()
	it, st, s, err := db.openIterator(&in, now)
	if err != nil {
		return err
	}
	if err := db.useKey(st.keyToRead()); err != nil {
		return err
	}
	if in.dryRun {
		return dryRun()
	}
	limit := readLimit{int(or(in.limit, maxGetRecords)), maxGetBytes}
	b, admitted := s.get(it.ordinal, limit, now, st.horizon(now), db.limits.Load().Shards)
	if !admitted {
		return st.rateExceeded(s)
	}
	if b.gone {
		return db.noStream(st.name)
	}
	st.observeServed(c.ctx, s, "", b.records, now)
	enc := c.out(kib + recordsSize(b.records))
	enc.Map()
	writeRecords(enc, s, b.records)
	writeNumber(enc, "MillisBehindLatest", b.behind)
	if b.drained {
		writeChildren(enc, b.children)
	} else {
		writeText(enc, "NextShardIterator", iterator{now, st.id, s.number, b.next, s.epoch.Load(), st.name}.String())
	}
	enc.EndMap()
	return nil
}

// openIterator checks the iterator of the input and returns what it stands for.
func (db *DB) openIterator(in *getRecordsInput, now int64) (iterator, *stream, *shard, error) {
	it, ok := parseIterator(*in.iterator)
	if !ok {
		return it, nil, nil, invalidArgument("the shard iterator is invalid")
	}
	if in.arn != nil {
		name, err := db.nameOfARN("streamARN", *in.arn)
		if err != nil {
			return it, nil, nil, err
		}
		if name != it.stream {
			return it, nil, nil, invalidArgument("the shard iterator is one of another stream than StreamARN names")
		}
	}
	if now-it.issued > iteratorLifetime.Milliseconds() {
		return it, nil, nil, expiredIterator()
	}
	st, err := db.readyStream(streamRef{name: &it.stream})
	if err != nil {
		return it, nil, nil, err
	}
	if st.id != it.streamID {
		return it, nil, nil, db.noStream(it.stream)
	}
	s, err := st.shard(fmt.Sprintf("shardId-%012d", it.shard))
	if err == nil && it.epoch != s.epoch.Load() {
		return it, nil, nil, expiredIterator()
	}
	return it, st, s, err
}

// recordOverhead is about how many bytes a record takes in a document besides its data and its key.
const recordOverhead = 192

// recordsSize estimates the size of the records as a document, in base64.
func recordsSize(v view) int {
	size := 0
	for i := v.from; i < v.to; i++ {
		size += recordOverhead + len(v.at(i).body)/3*4
	}
	return size
}

// writeRecords writes the member Records.
func writeRecords(enc wire.Encoder, s *shard, v view) {
	var digits [sequenceDigits]byte
	enc.Name("Records")
	enc.Array()
	for i := v.from; i < v.to; i++ {
		r := v.at(i)
		enc.Map()
		enc.Name("SequenceNumber")
		enc.PlainBytes(s.sequence(i, r.at).appendTo(digits[:0]))
		enc.Name("ApproximateArrivalTimestamp")
		enc.Millis(r.at)
		enc.Name("Data")
		enc.Blob(r.data())
		if r.keyLen > 0 { // an empty key cannot be put: there is none
			enc.Name("PartitionKey")
			enc.TextBytes(r.key())
		}
		if r.encrypted {
			writeText(enc, "EncryptionType", encryptionKMS)
		}
		enc.EndMap()
	}
	enc.EndArray()
}
