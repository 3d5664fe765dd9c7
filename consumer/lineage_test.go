package consumer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/internal/shards"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

func TestMergedChildWaitsForAParentThatHasNoLeaseYet(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.putPlain(keys(20)...)
		w.split(0) // 0 -> 2, 3
		w.putPlain(keys(20)...)
		w.merge(1) // 3 and 1 -> 4
		w.putPlain(keys(20)...)
		cfg := w.config()
		cfg.Handler = HandlerFunc(func(ctx context.Context, b *Batch) error {
			if b.Shard.ID == shardID(0) && b.Attempt == 1 {
				_ = retry.Sleep(ctx, 10*time.Second) // shard 1 ends long before shard 3 has a lease
			}
			w.seen.add(b)
			return nil
		})
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
		if row := w.lease(shardID(3)); len(row.Parents) != 1 {
			t.Errorf("shard 3 was given a lease by another than its parent: %+v", row)
		}
	})
}

func TestChildrenAreLookedUpWhereTheServerNamesNone(t *testing.T) {
	bubble(t, 2, func(w *world) {
		client, calls := w.tampered()
		calls.after = func(op string, n int, res *http.Response) {
			switch op {
			case "GetRecords":
				rewrite(res, func(members map[string]json.RawMessage) { delete(members, "ChildShards") })
			case "ListShards":
				if n > 1 && n < 4 { // the listing lags behind
					rewrite(res, func(members map[string]json.RawMessage) {
						var all []json.RawMessage
						_ = json.Unmarshal(members["Shards"], &all)
						members["Shards"], _ = json.Marshal(all[:len(all)-1])
					})
				}
			}
		}
		cfg := w.config()
		cfg.Kinesis = client
		run := w.start(cfg)
		w.await("reading", func() bool { return w.seen.has(shardID(1) + " reading") })
		w.putPlain(keys(20)...)
		w.split(1)
		w.putPlain(keys(20)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
	})
}

func TestOpenShardThatSeemsToEndIsReadOn(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		calls.after = func(op string, n int, res *http.Response) {
			if op == "GetRecords" && n == 3 {
				rewrite(res, func(members map[string]json.RawMessage) { delete(members, "NextShardIterator") })
			}
		}
		var told atomic.Bool
		cfg := w.config()
		cfg.Kinesis = client
		cfg.Hooks.FetchFailed = func(_ Shard, err error) { told.Store(told.Load() || errors.Is(err, ErrReply)) }
		run := w.start(cfg)
		w.await("three replies", func() bool { return len(calls.times("GetRecords")) > 3 })
		for range 10 {
			w.putPlain("a")
			time.Sleep(time.Second)
		}
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if w.seen.has(shardID(0) + " ended") {
			t.Error("an open shard was ended")
		}
		if !told.Load() {
			t.Error("the reply was not reported as invalid")
		}
	})
}

func TestShardThatLeftTheStreamIsReportedAndItsHeirsAreRead(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.config()
		w.putPlain("a")
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.split(0)
		time.Sleep(time.Hour)
		w.split(0)
		time.Sleep(25 * time.Hour) // now shard 0 and its first child are gone
		w.putPlain(keys(20)...)
		trimmed := w.onlyTrimmed(&cfg)
		run = w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		if err := trimmed(); err == nil || retry.Classify(err.Cause) != retry.NotFound || err.Shard.ID != shardID(0) {
			t.Errorf("reported: %v", err)
		}
		if w.lease(shardID(0)).Checkpoint != checkpoint.ShardEnd {
			t.Error("the lease of the shard that is gone did not end")
		}
	})
}

func TestShardThatTheServiceDoesNotKnowYetIsNotTakenForGone(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		var refusals atomic.Int32
		child := []byte(shardID(1))
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			if op != "GetShardIterator" || refusals.Load() >= 4 {
				return nil, nil
			}
			body, err := io.ReadAll(req.Body)
			req.Body = io.NopCloser(bytes.NewReader(body))
			if !bytes.Contains(body, child) {
				return nil, err
			}
			refusals.Add(1)
			return failure(req, http.StatusBadRequest, "ResourceNotFoundException"), nil
		}
		var before json.RawMessage // the listing as it was when the child did not exist
		calls.after = func(op string, n int, res *http.Response) {
			if op != "ListShards" {
				return
			}
			rewrite(res, func(members map[string]json.RawMessage) {
				if n == 1 {
					before = members["Shards"]
				}
				if refusals.Load() > 0 && refusals.Load() < 4 {
					members["Shards"] = before
				}
			})
		}
		cfg := w.config()
		cfg.Kinesis = client
		cfg.Hooks.Trimmed = func(err *TrimmedError) { t.Error(err) }
		w.putPlain(keys(10)...)
		run := w.start(cfg)
		w.awaitAll()
		w.split(0)
		w.putPlain(keys(10)...)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
		if refusals.Load() != 4 {
			t.Errorf("refused %d times", refusals.Load())
		}
	})
}

func TestDeletedStreamEndsNoShard(t *testing.T) {
	bubble(t, 1, func(w *world) {
		client, calls := w.tampered()
		var gone atomic.Bool
		calls.before = func(op string, _ int, req *http.Request) (*http.Response, error) {
			if gone.Load() && slices.Contains([]string{"GetRecords", "GetShardIterator", "ListShards"}, op) {
				return failure(req, http.StatusBadRequest, "ResourceNotFoundException"), nil
			}
			return nil, nil
		}
		cfg := w.config()
		cfg.Kinesis = client
		run := w.start(cfg)
		w.putPlain("a")
		w.awaitAll()
		gone.Store(true)
		time.Sleep(10 * time.Minute)
		run.mustEnd()
		if row := w.lease(shardID(0)); row.Ended() || row.Checkpoint.Sentinel() {
			t.Errorf("after the stream was deleted: %+v", row)
		}
	})
}

func TestCovers(t *testing.T) {
	key := func(n uint64) hashkey.Key { return hashkey.Key{Lo: n} }
	span := func(from, to uint64) shards.Shard {
		return shards.Shard{Range: hashkey.Range{Start: key(from), End: key(to)}}
	}
	parent := span(10, 19)
	for name, test := range map[string]struct {
		children []shards.Shard
		want     bool
	}{
		"none": {nil, false}, "split": {[]shards.Shard{span(15, 19), span(10, 14)}, true}, "merge": {[]shards.Shard{span(0, 19)}, true},
		"one of two": {[]shards.Shard{span(10, 14)}, false}, "the other": {[]shards.Shard{span(15, 19)}, false},
		"gap": {[]shards.Shard{span(10, 13), span(15, 19)}, false},
	} {
		if got := covers(test.children, parent); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAncestorsEndWhereTheListingDoes(t *testing.T) {
	listed := []shards.Shard{{ID: "d", Parents: []string{"b", "c"}}, {ID: "b", Parents: []string{"a"}}, {ID: "c", Parents: []string{"a"}}}
	if got := strings.Join(ancestors(listed, "d"), ""); got != "bca" {
		t.Errorf("ancestors of d: %s", got)
	}
	if got := ancestors(listed, "x"); len(got) != 0 {
		t.Errorf("ancestors of an unknown shard: %v", got)
	}
}

func TestStartAtATimeReadsWhatCameSince(t *testing.T) {
	bubble(t, 1, func(w *world) {
		w.putPlain(keys(5)...)
		time.Sleep(time.Minute)
		w.split(0)
		time.Sleep(time.Minute)
		w.putPlain(keys(5)...)
		time.Sleep(time.Second)
		since := w.put
		start := time.Now()
		w.putPlain(keys(10)...)
		w.split(0)
		w.putPlain(keys(10)...)
		time.Sleep(time.Hour)
		cfg := w.config()
		cfg.Streams[0].Start = At(start)
		run := w.start(cfg)
		w.await("what came since", func() bool { return w.seen.count() >= w.put-since })
		run.mustEnd()
		if got := w.seen.count(); got != w.put-since {
			t.Errorf("%d records, want %d", got, w.put-since)
		}
		if _, err := w.store.Get(w.Context(), shardID(0)); err == nil {
			t.Error("a shard that was closed before the start has a lease")
		}
	})
}

func TestSecondStartCreatesNoLeaseTwice(t *testing.T) {
	bubble(t, 4, func(w *world) {
		for range 2 {
			run := w.start(w.config())
			w.putPlain(keys(10)...)
			w.awaitAll()
			run.mustEnd()
		}
		snapshot, err := w.store.Scan(w.Context())
		w.must(err)
		if len(snapshot.Leases) != 4 {
			t.Errorf("%d leases", len(snapshot.Leases))
		}
		w.verify()
	})
}

func TestALeaseThatWasDeletedByHandIsRestoredAndOneThatIsSpentIsDeleted(t *testing.T) {
	bubble(t, 2, func(w *world) {
		w.inTable()
		cfg := w.config()
		w.putPlain(keys(20)...)
		run := w.start(cfg)
		w.awaitAll()
		w.split(0) // 0 -> 2, 3
		w.putPlain(keys(20)...)
		w.awaitAll()
		run.mustEnd()
		w.deleteLease(shardID(3))
		w.putPlain(keys(20)...)
		run = w.start(cfg)
		w.awaitAll()
		time.Sleep(5 * time.Minute)
		if _, err := w.store.Get(w.Context(), shardID(0)); !errors.Is(err, leases.ErrNotFound) {
			w.Errorf("the lease of shard 0, whose children are being read: %v", err)
		}
		run.mustEnd()
	})
}

func TestLatestIsNotNowWhereTheLeaseOfAChildWasDeletedByHand(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg := w.readToChildrenAtLatest()
		w.deleteLease(shardID(2))
		w.putPlain(keys(10)...)
		time.Sleep(time.Minute)
		run := w.start(cfg)
		w.awaitAll()
		run.mustEnd()
		w.verifyFirsts()
	})
}

func TestLatestIsNotNowWhereTheLeaseOfAParentIsDamaged(t *testing.T) {
	bubble(t, 1, func(w *world) {
		cfg, run := w.startAtLatest()
		w.awaitAll()
		run.mustEnd()
		was := w.setCheckpoint(shardID(0), "damaged")
		w.split(0)
		w.putPlain(keys(10)...)
		time.Sleep(time.Hour)
		run = w.start(cfg)
		time.Sleep(10 * time.Second)
		w.setCheckpoint(shardID(0), was)
		w.awaitAll()
		run.mustEnd()
		w.verify()
		w.verifyLineage()
	})
}

// startAtLatest starts an application that begins at LATEST, and puts records into its shard.
func (w *world) startAtLatest() (Config, *worker) {
	w.Helper()
	w.inTable()
	cfg := w.config()
	cfg.Streams[0].Start = Latest
	run := w.start(cfg)
	w.await("reading", func() bool { return w.seen.has(shardID(0) + " reading") })
	time.Sleep(2 * time.Second)
	w.putPlain(keys(10)...)
	return cfg, run
}

// readToChildrenAtLatest has an application that begins at LATEST read a shard to its end and its children to their tips, until their leases
// are the only ones; then it goes away. The configuration is returned.
func (w *world) readToChildrenAtLatest() Config {
	w.Helper()
	cfg, run := w.startAtLatest()
	w.split(0)
	w.putPlain(keys(10)...)
	w.awaitAll()
	w.await("the parent's lease is deleted", func() bool { _, err := w.store.Get(w.Context(), shardID(0)); return err != nil })
	run.mustEnd()
	return cfg
}

// inTable has the leases kept in the table that a test can tamper with.
func (w *world) inTable() {
	w.Helper()
	store, err := dynamo.New(dynamo.Config{API: w.server.DynamoDB(), Table: "billing"})
	w.must(err)
	w.store = store
}

// deleteLease is what an operator should not do.
func (w *world) deleteLease(shard string) {
	w.Helper()
	_, err := w.server.DynamoDB().DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("billing"), Key: leaseKey(shard)})
	w.must(err)
}

// setCheckpoint neither. It returns what the checkpoint was.
func (w *world) setCheckpoint(shard, to string) (was string) {
	w.Helper()
	out, err := w.server.DynamoDB().UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("billing"), Key: leaseKey(shard), UpdateExpression: aws.String("SET checkpoint = :to"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":to": &dynamotypes.AttributeValueMemberS{Value: to}},
		ReturnValues:              dynamotypes.ReturnValueUpdatedOld,
	})
	w.must(err)
	return out.Attributes["checkpoint"].(*dynamotypes.AttributeValueMemberS).Value
}

func leaseKey(shard string) map[string]dynamotypes.AttributeValue {
	return map[string]dynamotypes.AttributeValue{"leaseKey": &dynamotypes.AttributeValueMemberS{Value: shard}}
}
