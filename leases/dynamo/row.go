package dynamo

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/checkpoint"
	"github.com/penstock-go/penstock/internal/hashkey"
	"github.com/penstock-go/penstock/leases"
)

// item is a row as DynamoDB knows it.
type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
func decimal(f float64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatFloat(f, 'f', -1, 64)}
}
func set(all []string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: all} }

// encode returns the row as it is created.
func encode(l leases.Lease) item {
	row := item{
		"leaseKey": text(l.Key), entityType: text(kindLease), "leaseCounter": number(l.Counter),
		"ownerSwitchesSinceCheckpoint": number(l.OwnerSwitches),
		"checkpoint":                   text(l.Checkpoint.Text()), "checkpointSubSequenceNumber": number(l.Checkpoint.SubSequence()),
	}
	for attribute, value := range map[string]string{
		"leaseOwner": l.Owner, "checkpointOwner": l.CheckpointOwner,
		"startingHashKey": l.StartingHashKey, "endingHashKey": l.EndingHashKey, "streamName": l.Stream,
	} {
		if value != "" {
			row[attribute] = text(value)
		}
	}
	if l.Stream != "" {
		row["shardId"] = text(l.ShardID)
	}
	for attribute, ids := range map[string][]string{"parentShardId": l.Parents, "childShardIds": l.Children} {
		if len(ids) > 0 {
			row[attribute] = set(ids)
		}
	}
	if !l.StartAt.IsZero() {
		row["startAt"] = number(l.StartAt.UnixMilli())
	}
	if l.ThroughputKBps != 0 {
		row["throughputKBps"] = decimal(l.ThroughputKBps)
	}
	return row
}

const kindLease = "LEASE"

// kindOf returns what a row is, or says that it is. Rows from before version 3.5 of the KCL do not say: they are leases, but for those
// that have well-known keys.
func kindOf(row item) string {
	if kind, ok := row[entityType].(*types.AttributeValueMemberS); ok {
		return kind.Value
	}
	if key, ok := row["leaseKey"].(*types.AttributeValueMemberS); ok {
		switch key.Value {
		case versionRow, tablesRow, leaderRow:
			return key.Value
		}
	}
	return kindLease
}

// decode reads a row. The error is a *leases.DamagedError.
func decode(row item) (leases.Lease, error) {
	r := reader{row: row}
	l := leases.Lease{
		Key: r.required("leaseKey"), Stream: r.text("streamName"), ShardID: r.text("shardId"),
		Owner: r.text("leaseOwner"), CheckpointOwner: r.text("checkpointOwner"), Counter: r.counter(),
		OwnerSwitches: r.number("ownerSwitchesSinceCheckpoint"),
		Parents:       r.set("parentShardId"), Children: r.set("childShardIds"), ThroughputKBps: r.float("throughputKBps"),
	}
	l.Checkpoint = r.position()
	l.StartingHashKey, l.EndingHashKey = r.hashRange()
	if _, there := row["startAt"]; there {
		l.StartAt = time.UnixMilli(r.number("startAt")).UTC()
	}
	if l.ShardID == "" {
		l.ShardID = l.Key
	}
	if r.damage != nil {
		r.damage.Key = l.Key
		return leases.Lease{}, r.damage
	}
	return l, nil
}

// reader reads the attributes of one row and remembers the first that is wrong.
type reader struct {
	row    item
	damage *leases.DamagedError
}

func (r *reader) wrong(attribute, problem string) {
	if r.damage == nil {
		r.damage = &leases.DamagedError{Attribute: attribute, Problem: problem}
	}
}

func (r *reader) text(attribute string) string {
	value, there := r.row[attribute]
	if !there {
		return ""
	}
	s, ok := value.(*types.AttributeValueMemberS)
	if !ok || s.Value == "" {
		r.wrong(attribute, "is not a string (S) with something in it")
		return ""
	}
	return s.Value
}

func (r *reader) required(attribute string) string {
	if _, there := r.row[attribute]; !there {
		r.wrong(attribute, "is missing")
	}
	return r.text(attribute)
}

func (r *reader) number(attribute string) int64 {
	value, there := r.row[attribute]
	if !there {
		return 0
	}
	if n, ok := value.(*types.AttributeValueMemberN); ok {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	r.wrong(attribute, "is not a whole number (N) of 64 bits")
	return 0
}

func (r *reader) counter() int64 {
	if _, there := r.row["leaseCounter"]; !there {
		r.wrong("leaseCounter", "is missing")
	}
	return r.number("leaseCounter")
}

func (r *reader) float(attribute string) float64 {
	value, there := r.row[attribute]
	if !there {
		return 0
	}
	if n, ok := value.(*types.AttributeValueMemberN); ok {
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return f
		}
	}
	r.wrong(attribute, "is not a number (N)")
	return 0
}

// set reads a set of strings; sorted, as the service gives them back in any order.
func (r *reader) set(attribute string) []string {
	value, there := r.row[attribute]
	if !there {
		return nil
	}
	ids, ok := value.(*types.AttributeValueMemberSS)
	if !ok {
		r.wrong(attribute, "is not a set of strings (SS)")
		return nil
	}
	return slices.Sorted(slices.Values(ids.Value))
}

func (r *reader) position() checkpoint.Position {
	p, err := checkpoint.Parse(r.required("checkpoint"), r.number("checkpointSubSequenceNumber"))
	if err != nil {
		r.wrong("checkpoint", "is neither a sequence number nor one of the KCL's sentinels")
	}
	return p
}

// hashRange reads the shard's range, which is used where both ends are there.
func (r *reader) hashRange() (start, end string) {
	start, end = r.text("startingHashKey"), r.text("endingHashKey")
	if start == "" || end == "" {
		return "", ""
	}
	if _, err := hashkey.ParseRange(start, end); err != nil {
		r.wrong("startingHashKey", "and endingHashKey are not a range of decimal numbers of 128 bits")
		return "", ""
	}
	return start, end
}
