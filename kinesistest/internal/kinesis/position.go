package kinesis

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// The types of a position in a shard.
const (
	atSequenceNumber    = "AT_SEQUENCE_NUMBER"
	afterSequenceNumber = "AFTER_SEQUENCE_NUMBER"
	atTimestamp         = "AT_TIMESTAMP"
	trimHorizon         = "TRIM_HORIZON"
	latest              = "LATEST"
)

// A position is where a reader wants to start: the members that GetShardIterator and SubscribeToShard have in common.
type position struct {
	kind     *string
	sequence *string
	at       *time.Time
}

// check validates what can be told without the shard.
func (p *position) check(member string) error {
	if err := checkRequired(member, p.kind); err != nil {
		return err
	}
	needsSequence, needsTime := false, false
	switch *p.kind {
	case atSequenceNumber, afterSequenceNumber:
		needsSequence = true
	case atTimestamp:
		needsTime = true
	case trimHorizon, latest:
	default:
		return invalid(member, "value %q is not a type of position", *p.kind)
	}
	if p.sequence != nil {
		if _, wellFormed, _ := parseSequenceNumber(*p.sequence); !wellFormed {
			return invalid("startingSequenceNumber", "value %q is not a sequence number", *p.sequence)
		}
	}
	if needsSequence != (p.sequence != nil) {
		return invalidArgument("a sequence number is for %s and %s alone, which need it", atSequenceNumber, afterSequenceNumber)
	}
	if needsTime != (p.at != nil) {
		return invalidArgument("a timestamp is for %s alone, which needs it", atTimestamp)
	}
	return nil
}

// locate returns the ordinal of the first record that a reader at p gets from s.
func (p *position) locate(s *shard, now, horizon int64) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.trim(horizon)
	switch *p.kind {
	case trimHorizon:
		return s.log.first, nil
	case latest:
		return s.log.next, nil
	case atTimestamp:
		if p.at.UnixMilli() > now {
			return 0, invalidArgument("the timestamp lies in the future")
		}
		return s.log.firstSince(p.at.UnixMilli()), nil
	}
	return p.locateSequence(s)
}

// locateSequence finds a sequence number in s, whose lock the caller holds. The number need not be one of a record: the
// starting number of the shard and the continuation numbers of a subscription lie between records.
func (p *position) locateSequence(s *shard) (int64, error) {
	n, _, ok := parseSequenceNumber(*p.sequence)
	after := *p.kind == afterSequenceNumber
	switch {
	case !ok || n.created != s.created || n.shard != s.number:
		return 0, invalidArgument("the sequence number %s is not one of shard %s", *p.sequence, s.id)
	case n.index == endIndex && s.closedAt == 0:
		return 0, invalidArgument("the sequence number %s lies beyond the tip of shard %s", *p.sequence, s.id)
	case n.index == endIndex && after:
		return 0, invalidArgument("the sequence number %s is the largest possible one of shard %s", *p.sequence, s.id)
	case n.index == endIndex:
		return s.log.next, nil
	case n.index > uint64(s.log.next):
		return 0, invalidArgument("the sequence number %s lies beyond the tip of shard %s", *p.sequence, s.id)
	case n.index == 0:
		return s.log.first, nil
	}
	// Index i is that of the record with ordinal i-1. A number with the index of a record and a later time stands just
	// behind it.
	ordinal := int64(n.index) - 1
	if ordinal < s.log.first {
		return s.log.first, nil
	}
	at := s.log.view(ordinal, s.log.next).at(ordinal).at
	if own := s.sequence(ordinal, at); after || n.compare(own) > 0 {
		ordinal++
	}
	return ordinal, nil
}

type getShardIteratorInput struct {
	streamRef
	position
	shardID *string
	dryRun  bool
}

func (in *getShardIteratorInput) member(d wire.Decoder, name string) bool {
	switch name {
	case "ShardId":
		in.shardID = wire.Text(d)
	case "ShardIteratorType":
		in.kind = wire.Text(d)
	case "StartingSequenceNumber":
		in.sequence = wire.Text(d)
	case "Timestamp":
		t := d.Time()
		in.at = &t
	case "DryRun":
		in.dryRun = d.Bool()
	default:
		return in.streamRef.member(d, name)
	}
	return true
}

func (db *DB) getShardIterator(c *call) error {
	var in getShardIteratorInput
	err := c.decode(in.member)
	if err := first(err, checkName("shardId", in.shardID), in.position.check("shardIteratorType")); err != nil {
		return err
	}
	st, err := db.readyStream(in.streamRef)
	if err != nil {
		return err
	}
	s, err := st.shard(*in.shardID)
	if err != nil {
		return err
	}
	now := millis()
	ordinal, err := in.locate(s, now, st.horizon(now))
	if err != nil {
		return err
	}
	if in.dryRun {
		return dryRun()
	}
	if !s.admitIterator(now, db.limits.Load().Shards) {
		return st.rateExceeded(s)
	}
	enc := c.out(kib)
	enc.Map()
	writeText(enc, "ShardIterator", iterator{now, st.id, s.number, ordinal, s.epoch.Load(), st.name}.String())
	enc.EndMap()
	return nil
}
