package kinesis

import (
	"slices"
	"strconv"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// shardSize is about how many bytes the description of a shard takes.
const shardSize = 512

// writeShards writes the member Shards.
func writeShards(enc wire.Encoder, shards []*shard) {
	enc.Name("Shards")
	enc.Array()
	for _, s := range shards {
		writeShard(enc, s)
	}
	enc.EndArray()
}

func writeShard(enc wire.Encoder, s *shard) {
	enc.Map()
	writeText(enc, "ShardId", s.id)
	if s.parent != "" {
		writeText(enc, "ParentShardId", s.parent)
	}
	if s.adjacent != "" {
		writeText(enc, "AdjacentParentShardId", s.adjacent)
	}
	writeHashKeys(enc, s)
	enc.Name("SequenceNumberRange")
	enc.Map()
	writeText(enc, "StartingSequenceNumber", s.starting().String())
	if _, closed := s.lifetime(); closed != 0 {
		writeText(enc, "EndingSequenceNumber", s.ending(closed).String())
	}
	enc.EndMap()
	enc.EndMap()
}

func writeHashKeys(enc wire.Encoder, s *shard) {
	enc.Name("HashKeyRange")
	enc.Map()
	writeText(enc, "StartingHashKey", s.from.String())
	writeText(enc, "EndingHashKey", s.to.String())
	enc.EndMap()
}

// writeChildren writes the member ChildShards of a drained shard.
func writeChildren(enc wire.Encoder, children []*shard) {
	enc.Name("ChildShards")
	enc.Array()
	for _, s := range children {
		enc.Map()
		writeText(enc, "ShardId", s.id)
		enc.Name("ParentShards")
		enc.Array()
		enc.Text(s.parent)
		if s.adjacent != "" {
			enc.Text(s.adjacent)
		}
		enc.EndArray()
		writeHashKeys(enc, s)
		enc.EndMap()
	}
	enc.EndArray()
}

// The types of a shard filter.
const (
	filterAfterID         = "AFTER_SHARD_ID"
	filterAtTrimHorizon   = "AT_TRIM_HORIZON"
	filterFromTrimHorizon = "FROM_TRIM_HORIZON"
	filterAtLatest        = "AT_LATEST"
	filterAtTimestamp     = "AT_TIMESTAMP"
	filterFromTimestamp   = "FROM_TIMESTAMP"
)

// A shardFilter chooses shards by when they were open.
type shardFilter struct {
	kind    *string
	shardID *string
	at      *time.Time
}

func (f *shardFilter) decode(d wire.Decoder) {
	for name := range d.Fields() {
		switch string(name) {
		case "Type":
			f.kind = wire.Text(d)
		case "ShardId":
			f.shardID = wire.Text(d)
		case "Timestamp":
			t := d.Time()
			f.at = &t
		default:
			d.Skip()
		}
	}
}

// check validates the filter: its type, and that the members which the type needs, and only they, are given.
func (f *shardFilter) check() error {
	if f == nil {
		return nil
	}
	if err := first(checkRequired("shardFilter.type", f.kind), checkOptionalName("shardFilter.shardId", f.shardID)); err != nil {
		return err
	}
	needsID, needsTime := false, false
	switch *f.kind {
	case filterAfterID:
		needsID = true
	case filterAtTimestamp, filterFromTimestamp:
		needsTime = true
	case filterAtTrimHorizon, filterFromTrimHorizon, filterAtLatest:
	default:
		return invalid("shardFilter.type", "value %q is not a type of filter", *f.kind)
	}
	if needsID != (f.shardID != nil) {
		return invalidArgument("ShardFilter.ShardId is for the type %s alone, which needs it", filterAfterID)
	}
	if needsTime != (f.at != nil) {
		return invalidArgument("ShardFilter.Timestamp is for the types %s and %s alone, which need it",
			filterAtTimestamp, filterFromTimestamp)
	}
	return nil
}

// keep reports whether the filter lets the shard through. horizon is the oldest time that is kept. The documentation of
// the service counts the moment of its closing to a shard for a timestamp; for the horizon, which moves on, a shard that
// closed just then has nothing left.
func (f *shardFilter) keep(s *shard, horizon int64) bool {
	opened, closed := s.lifetime()
	open := closed == 0
	switch *f.kind {
	case filterAfterID:
		return s.id > *f.shardID
	case filterAtLatest:
		return open
	case filterAtTrimHorizon:
		return opened <= horizon && (open || closed > horizon)
	case filterAtTimestamp:
		at := max(f.at.UnixMilli(), horizon)
		return opened <= at && (open || closed >= at)
	case filterFromTimestamp:
		return open || closed >= max(f.at.UnixMilli(), horizon)
	}
	return true // FROM_TRIM_HORIZON: everything that is retained
}

// The bounds of ListShards.
const (
	maxListedShards = 1000
	tokenLifetime   = 300 * time.Second // of a NextToken
)

type listShardsInput struct {
	streamRef
	token   *string
	after   *string
	filter  *shardFilter
	max     *int64
	created *time.Time
}

func (in *listShardsInput) member(d wire.Decoder, name string) bool {
	switch name {
	case "NextToken":
		in.token = wire.Text(d)
	case "ExclusiveStartShardId":
		in.after = wire.Text(d)
	case "MaxResults":
		in.max = number(d)
	case "ShardFilter":
		in.filter = new(shardFilter)
		in.filter.decode(d)
	case "StreamCreationTimestamp":
		t := d.Time()
		in.created = &t
	default:
		return in.streamRef.member(d, name)
	}
	return true
}

func (in *listShardsInput) check() error {
	err := first(checkOptionalName("exclusiveStartShardId", in.after), checkRange("maxResults", in.max, 1, 10000),
		in.filter.check())
	if err != nil {
		return err
	}
	if in.token != nil && (in.given() || in.after != nil || in.created != nil) {
		return invalidArgument("NextToken names the stream and the place in its shards already: " +
			"StreamName, StreamARN, ExclusiveStartShardId and StreamCreationTimestamp must not be given with it")
	}
	return nil
}

func (db *DB) listShards(c *call) error {
	var in listShardsInput
	if err := first(c.decode(in.member), in.check()); err != nil {
		return err
	}
	if in.token != nil {
		if err := in.resume(); err != nil {
			return err
		}
	}
	st, err := db.stream(in.streamRef)
	if err != nil {
		return err
	}
	if err := db.admitCall("ListShards", st); err != nil {
		return err
	}
	if !st.ready() {
		return inUse("stream %s is %s", st.name, st.getStatus())
	}
	if in.created != nil && in.created.Unix() != st.createdAt/1000 {
		return db.noStream(st.name)
	}
	shards := in.choose(st)
	n := min(len(shards), int(or(in.max, maxListedShards)), maxListedShards)
	enc := c.out(kib + n*shardSize)
	enc.Map()
	writeShards(enc, shards[:n])
	if n < len(shards) {
		writeText(enc, "NextToken", in.next(st, shards[n-1].id))
	}
	enc.EndMap()
	return nil
}

// choose returns the shards of st that the input asks for.
func (in *listShardsInput) choose(st *stream) []*shard {
	now := millis()
	horizon := st.horizon(now)
	return slices.DeleteFunc(st.listed(now), func(s *shard) bool {
		return in.after != nil && s.id <= *in.after || in.filter != nil && !in.filter.keep(s, horizon)
	})
}

// next returns the token that goes on after the shard with the given id.
func (in *listShardsInput) next(st *stream, id string) string {
	t := listToken{issued: millis(), lines: []string{st.name, id, "", "", ""}}
	if f := in.filter; f != nil {
		t.lines[2], t.lines[3] = *f.kind, or(f.shardID, "")
		if f.at != nil {
			t.lines[4] = strconv.FormatInt(f.at.UnixMilli(), 10)
		}
	}
	return t.String()
}

// resume restores the input of the call that made the token.
func (in *listShardsInput) resume() error {
	t, err := parseListToken(*in.token, 5)
	if err != nil {
		return err
	}
	in.name, in.after = &t.lines[0], &t.lines[1]
	in.filter = nil
	if kind := t.lines[2]; kind != "" {
		in.filter = &shardFilter{kind: &kind, shardID: &t.lines[3]}
		ms, _ := strconv.ParseInt(t.lines[4], 10, 64) // empty for the types without a timestamp
		at := time.UnixMilli(ms)
		in.filter.at = &at
	}
	return nil
}
