package kinesistest_test

import (
	"fmt"
	"math/big"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

func (r *rig) split(shard int, at string) error {
	_, err := r.SplitShard(r.ctx(), &kinesis.SplitShardInput{
		StreamName: r.stream, ShardToSplit: aws.String(shardID(shard)), NewStartingHashKey: &at,
	})
	return err
}

func (r *rig) merge(shard, adjacent int) error {
	_, err := r.MergeShards(r.ctx(), &kinesis.MergeShardsInput{
		StreamName: r.stream, ShardToMerge: aws.String(shardID(shard)), AdjacentShardToMerge: aws.String(shardID(adjacent)),
	})
	return err
}

func (r *rig) scale(n int32) (*kinesis.UpdateShardCountOutput, error) {
	return r.UpdateShardCount(r.ctx(), &kinesis.UpdateShardCountInput{
		StreamName: r.stream, TargetShardCount: &n, ScalingType: types.ScalingTypeUniformScaling,
	})
}

const middle = "170141183460469231731687303715884105728"

func TestSplitEndsTheParentAndOpensTwoChildren(t *testing.T) {
	r := newRig(t, 1)
	r.fill(20)
	latest := r.iterator(shardID(0), types.ShardIteratorTypeLatest)
	must(t, r.split(0, middle))
	where := r.fill(20)
	if slices.Contains(where, shardID(0)) || !slices.Contains(where, shardID(1)) || !slices.Contains(where, shardID(2)) {
		t.Fatalf("records went to %v after the split", where)
	}

	out, err := r.GetRecords(t.Context(), &kinesis.GetRecordsInput{
		ShardIterator: r.iterator(shardID(0), types.ShardIteratorTypeTrimHorizon), Limit: aws.Int32(19),
	})
	must(t, err)
	if len(out.Records) != 19 || out.NextShardIterator == nil || len(out.ChildShards) != 0 {
		t.Fatalf("%d records, children %v before the end", len(out.Records), out.ChildShards)
	}
	last := r.get(out.NextShardIterator)
	for _, end := range []*kinesis.GetRecordsOutput{last, r.get(latest)} {
		if end.NextShardIterator != nil || len(end.ChildShards) != 2 || *end.MillisBehindLatest != 0 {
			t.Fatalf("the end has iterator %v, children %v", end.NextShardIterator, end.ChildShards)
		}
		for i, c := range end.ChildShards {
			if *c.ShardId != shardID(i+1) || !slices.Equal(c.ParentShards, []string{shardID(0)}) {
				t.Errorf("child %s of %v", *c.ShardId, c.ParentShards)
			}
		}
		if *end.ChildShards[1].HashKeyRange.StartingHashKey != middle {
			t.Errorf("upper child starts at %s", *end.ChildShards[1].HashKeyRange.StartingHashKey)
		}
	}
	if len(last.Records) != 1 {
		t.Errorf("%d records in the last reply", len(last.Records))
	}
	checkLineage(t, r.shards(nil))
}

// checkLineage checks what holds for every list of shards: the open ones cover the space once, closed ones have an ending
// number above their starting one, and children lie inside their parents and start above the parents' end.
func checkLineage(t *testing.T, shards []types.Shard) {
	t.Helper()
	byID := map[string]types.Shard{}
	open := map[string]string{} // first hash key to last
	for _, s := range shards {
		byID[*s.ShardId] = s
		start, end := s.SequenceNumberRange.StartingSequenceNumber, s.SequenceNumberRange.EndingSequenceNumber
		if end == nil {
			open[*s.HashKeyRange.StartingHashKey] = *s.HashKeyRange.EndingHashKey
		} else if number(*end).Cmp(number(*start)) <= 0 {
			t.Errorf("shard %s ends at %s, starts at %s", *s.ShardId, *end, *start)
		}
		for _, id := range []*string{s.ParentShardId, s.AdjacentParentShardId} {
			if id == nil {
				continue
			}
			p, ok := byID[*id]
			if !ok || p.SequenceNumberRange.EndingSequenceNumber == nil {
				t.Fatalf("parent %s of %s is not listed before it as closed", *id, *s.ShardId)
			}
			if number(*start).Cmp(number(*p.SequenceNumberRange.EndingSequenceNumber)) <= 0 {
				t.Errorf("shard %s starts at %s, its parent ends at %s", *s.ShardId, *start, *p.SequenceNumberRange.EndingSequenceNumber)
			}
		}
	}
	next, count := new(big.Int), 0
	for {
		end, ok := open[next.String()]
		if !ok {
			break
		}
		count++
		next.Add(number(end), big.NewInt(1))
	}
	if count != len(open) || next.BitLen() != 129 || next.TrailingZeroBits() != 128 {
		t.Errorf("%d of %d open shards cover the space up to %s", count, len(open), next)
	}
}

func number(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		panic(s)
	}
	return n
}

func TestMergeEndsBothParentsWithOneChild(t *testing.T) {
	r := newRig(t, 3)
	must(t, r.merge(1, 0)) // in either order
	for _, parent := range []int{0, 1} {
		out := r.get(r.iterator(shardID(parent), types.ShardIteratorTypeTrimHorizon))
		if len(out.ChildShards) != 1 || *out.ChildShards[0].ShardId != shardID(3) ||
			!slices.Equal(out.ChildShards[0].ParentShards, []string{shardID(1), shardID(0)}) {
			t.Errorf("children of %d: %+v", parent, out.ChildShards)
		}
	}
	shards := r.shards(nil)
	checkLineage(t, shards)
	if c := shards[3]; *c.ParentShardId != shardID(1) || *c.AdjacentParentShardId != shardID(0) {
		t.Errorf("parents %s and %s", *c.ParentShardId, *c.AdjacentParentShardId)
	}
}

func TestReshardRefusesBadInput(t *testing.T) {
	r := newRig(t, 3)
	ranges := r.shards(nil)[1].HashKeyRange
	wantCode(t, r.split(1, *ranges.StartingHashKey), "InvalidArgumentException") // the lower child would be empty
	wantCode(t, r.split(1, "0"), "InvalidArgumentException")
	wantCode(t, r.split(1, "340282366920938463463374607431768211456"), "InvalidArgumentException")
	wantCode(t, r.split(1, "-1"), "ValidationException")
	wantCode(t, r.split(7, middle), "ResourceNotFoundException")
	wantCode(t, r.merge(0, 2), "InvalidArgumentException")
	wantCode(t, r.merge(2, 0), "InvalidArgumentException") // the ends of the space are not neighbours
	wantCode(t, r.merge(1, 1), "InvalidArgumentException")
	must(t, r.split(1, *ranges.EndingHashKey)) // the upper child has one key
	wantCode(t, r.split(1, middle), "InvalidArgumentException")
	wantCode(t, r.split(4, *ranges.EndingHashKey), "InvalidArgumentException") // one key cannot be split
	_, err := r.scale(9)
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.scale(1)
	wantCode(t, err, "InvalidArgumentException")
	_, err = r.scale(0)
	wantCode(t, err, "ValidationException")
}

func TestUpdateShardCountMakesEvenShards(t *testing.T) {
	r := newRig(t, 4)
	for _, n := range []int32{3, 6, 5, 5, 10, 7} {
		out, err := r.scale(n)
		must(t, err)
		if *out.TargetShardCount != n {
			t.Errorf("target %d", *out.TargetShardCount)
		}
		open := r.shards(&types.ShardFilter{Type: types.ShardFilterTypeAtLatest})
		if len(open) != int(n) {
			t.Fatalf("%d open shards, want %d", len(open), n)
		}
		width := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(int64(n)))
		var starts, want []string
		for i, s := range open {
			starts = append(starts, *s.HashKeyRange.StartingHashKey)
			want = append(want, new(big.Int).Mul(width, big.NewInt(int64(i))).String())
		}
		slices.Sort(starts)
		slices.Sort(want)
		if !slices.Equal(starts, want) {
			t.Fatalf("%d shards start at %v, want %v", n, starts, want)
		}
		checkLineage(t, r.shards(nil))
	}
}

func TestEndOfClosedShardIsNoPlaceToGoOnAfter(t *testing.T) {
	r := newRig(t, 1)
	last := *r.put("k", "d").SequenceNumber
	must(t, r.split(0, middle))
	end := *r.shards(nil)[0].SequenceNumberRange.EndingSequenceNumber
	_, err := r.iteratorAt(shardID(0), types.ShardIteratorTypeAfterSequenceNumber, end)
	wantCode(t, err, "InvalidArgumentException")
	for kind, sequence := range map[types.ShardIteratorType]string{
		types.ShardIteratorTypeAtSequenceNumber:    end,
		types.ShardIteratorTypeAfterSequenceNumber: last,
	} {
		it, err := r.iteratorAt(shardID(0), kind, sequence)
		must(t, err)
		if out := r.get(it); len(out.Records) != 0 || out.NextShardIterator != nil || len(out.ChildShards) != 2 {
			t.Errorf("%s: %d records, iterator %v", kind, len(out.Records), out.NextShardIterator)
		}
	}
	// The end of a closed shard is not yet the number of an open one.
	_, err = r.iteratorAt(shardID(1), types.ShardIteratorTypeAtSequenceNumber, end)
	wantCode(t, err, "InvalidArgumentException")
}

func TestListShardsFiltersByLifetime(t *testing.T) {
	r := newRig(t, 2)
	must(t, r.split(0, "1"))
	must(t, r.merge(3, 1))
	for kind, want := range map[types.ShardFilterType][]int{
		types.ShardFilterTypeAtLatest:        {2, 4},
		types.ShardFilterTypeAtTrimHorizon:   {0, 1},
		types.ShardFilterTypeFromTrimHorizon: {0, 1, 2, 3, 4},
	} {
		if got := ids(r.shards(&types.ShardFilter{Type: kind})); !slices.Equal(got, want) {
			t.Errorf("%s: shards %v, want %v", kind, got, want)
		}
	}
	after := types.ShardFilter{Type: types.ShardFilterTypeAfterShardId, ShardId: aws.String(shardID(2))}
	if got := ids(r.shards(&after)); !slices.Equal(got, []int{3, 4}) {
		t.Errorf("after shard 2: %v", got)
	}
	created := r.shards(nil)
	from := types.ShardFilter{Type: types.ShardFilterTypeFromTimestamp, Timestamp: &timeZero}
	if got := ids(r.shards(&from)); len(got) != len(created) {
		t.Errorf("from the beginning of time: %v", got)
	}
	at := types.ShardFilter{Type: types.ShardFilterTypeAtTimestamp, Timestamp: &timeZero}
	if got := ids(r.shards(&at)); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("at the beginning of time: %v", got)
	}
}

// Puts race with reshards; every record must be stored once, in the order of its key's puts, parents before children.
func TestNothingIsLostOrReorderedWhilePutsRaceWithReshards(t *testing.T) {
	r := newRig(t, 2)
	const keys, puts = 4, 60
	var wg sync.WaitGroup
	for k := range keys {
		wg.Go(func() {
			for i := range puts {
				_, err := r.PutRecord(t.Context(), &kinesis.PutRecordInput{
					StreamName: r.stream, PartitionKey: aws.String(fmt.Sprint("key-", k)), Data: []byte(fmt.Sprint(i)),
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, n := range []int32{4, 3, 6, 4, 2, 1, 2} {
		if _, err := r.scale(n); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()

	got := map[string][]string{}
	for _, rec := range r.lineage() {
		got[*rec.PartitionKey] = append(got[*rec.PartitionKey], string(rec.Data))
	}
	for k := range keys {
		var want []string
		for i := range puts {
			want = append(want, fmt.Sprint(i))
		}
		if key := fmt.Sprint("key-", k); !slices.Equal(got[key], want) {
			t.Errorf("%s has %v", key, got[key])
		}
	}
}

// lineage reads all records of the stream, the parents of a shard before it, by following ChildShards.
func (r *rig) lineage() []types.Record {
	r.t.Helper()
	var all []types.Record
	done := map[string]bool{}
	queue := ids(r.shards(&types.ShardFilter{Type: types.ShardFilterTypeAtTrimHorizon}))
	for len(queue) > 0 {
		id := shardID(queue[0])
		queue = queue[1:]
		for it := r.iterator(id, types.ShardIteratorTypeTrimHorizon); it != nil; {
			out := r.get(it)
			all = append(all, out.Records...)
			it = out.NextShardIterator
			if it == nil {
				done[id] = true
			} else if *out.MillisBehindLatest == 0 {
				break
			}
			for _, c := range out.ChildShards {
				if !slices.ContainsFunc(c.ParentShards, func(p string) bool { return !done[p] }) {
					var n int
					_, err := fmt.Sscanf(*c.ShardId, "shardId-%d", &n)
					must(r.t, err)
					queue = append(queue, n)
				}
			}
		}
	}
	return all
}
