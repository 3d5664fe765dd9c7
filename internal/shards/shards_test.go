package shards

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/internal/hashkey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseStreamTellsNamesFromARNs(t *testing.T) {
	byName, err := ParseStream("my.stream-1_x")
	if err != nil || aws.ToString(byName.NameParam()) != "my.stream-1_x" || byName.ARNParam() != nil {
		t.Errorf("name: %+v, %v", byName, err)
	}
	const arn = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s"
	byARN, err := ParseStream(arn)
	if err != nil || byARN.NameParam() != nil || aws.ToString(byARN.ARNParam()) != arn || byARN.Name() != "s" {
		t.Errorf("ARN: %+v, %v", byARN, err)
	}
}

func TestParseStreamRefusesOtherTexts(t *testing.T) {
	for _, text := range []string{"", "a b", "a/b", "ström", strings.Repeat("x", 129), "arn:aws:kinesis:r:1:table/x",
		"arn:aws:sqs:r:1:stream/x", "arn:aws:kinesis:r:1:stream/", "arn:aws:kinesis", "arn:aws:kinesis:r:1:stream/a/consumer/c:1"} {
		if s, err := ParseStream(text); !errors.Is(err, ErrStreamName) {
			t.Errorf("ParseStream(%q) = %+v, %v", text, s, err)
		}
	}
}

func listed(id, start, end string, parents ...string) types.Shard {
	return types.Shard{ShardId: &id, HashKeyRange: &types.HashKeyRange{StartingHashKey: &start, EndingHashKey: &end},
		ParentShardId: nth(parents, 0), AdjacentParentShardId: nth(parents, 1),
		SequenceNumberRange: &types.SequenceNumberRange{StartingSequenceNumber: aws.String("1")}}
}

func TestFromListed(t *testing.T) {
	merged, err := FromListed(listed("shardId-000000000003", "5", "9", "shardId-000000000001", "shardId-000000000002"))
	if err != nil {
		t.Fatal(err)
	}
	if len(merged.Parents) != 2 || merged.Closed || merged.Range.End != (hashkey.Key{Lo: 9}) {
		t.Errorf("%+v", merged)
	}
	closed := listed("s", "0", "1")
	closed.SequenceNumberRange.EndingSequenceNumber = aws.String("2")
	if s, err := FromListed(closed); err != nil || !s.Closed {
		t.Errorf("a shard with an ending sequence number: %+v, %v", s, err)
	}
	for name, broken := range map[string]types.Shard{
		"no id": {HashKeyRange: closed.HashKeyRange}, "no range": {ShardId: aws.String("s")}, "bad range": listed("s", "9", "1"),
	} {
		if s, err := FromListed(broken); err == nil {
			t.Errorf("%s: accepted as %+v", name, s)
		}
	}
}

func TestFromChildKeepsBothParents(t *testing.T) {
	child, err := FromChild(types.ChildShard{ShardId: aws.String("c"), ParentShards: []string{"a", "b"},
		HashKeyRange: &types.HashKeyRange{StartingHashKey: aws.String("0"), EndingHashKey: aws.String("1")}})
	if err != nil || !slices.Equal(child.Parents, []string{"a", "b"}) {
		t.Errorf("%+v, %v", child, err)
	}
}

func family(t *testing.T) []Shard {
	middle := hashkey.Key{Hi: 1 << 63}
	below := hashkey.Key{Hi: 1<<63 - 1, Lo: ^uint64(0)}
	return []Shard{
		{ID: "right", Range: hashkey.Range{Start: middle, End: hashkey.Max}, Parents: []string{"root"}},
		{ID: "root", Range: hashkey.Full, Parents: []string{"trimmed"}, Closed: true},
		{ID: "left", Range: hashkey.Range{End: below}, Parents: []string{"root"}},
	}
}

func ids(all []Shard) (ids []string) {
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestLineage(t *testing.T) {
	all := family(t)
	if got := ids(Open(all)); !slices.Equal(got, []string{"left", "right"}) {
		t.Errorf("Open = %v", got)
	}
	if got := ids(Children(all, "root")); !slices.Equal(got, []string{"right", "left"}) {
		t.Errorf("Children = %v", got)
	}
	if got := ids(Roots(all)); !slices.Equal(got, []string{"root"}) {
		t.Errorf("Roots = %v: a shard whose parents are not listed any more is a root", got)
	}
}

func TestTileAcceptsNeitherGapsNorOverlaps(t *testing.T) {
	open := Open(family(t))
	if !Tile(open) {
		t.Error("two halves do not tile")
	}
	gap, overlap := slices.Clone(open), slices.Clone(open)
	gap[1].Range.Start.Lo++
	overlap[1].Range.Start = hashkey.Key{Hi: 1}
	for name, bad := range map[string][]Shard{"gap": gap, "overlap": overlap, "none": nil, "half": open[:1], "more": append(slices.Clone(open), open[0])} {
		if Tile(bad) {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestFindReturnsTheOwner(t *testing.T) {
	open := Open(family(t))
	for key, want := range map[hashkey.Key]int{{}: 0, open[0].Range.End: 0, open[1].Range.Start: 1, hashkey.Max: 1} {
		if got := Find(open, key); got != want {
			t.Errorf("Find(%v) = %d, want %d", key, got, want)
		}
	}
	if got := Find(open[:1], hashkey.Max); got != -1 {
		t.Errorf("Find outside = %d", got)
	}
}
