package dynamo

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/leases"
)

// supportCode says that the worker knows the layout with a single table.
const supportCode = 1

// The properties of ours in the map that the KCL reserves: how often the row is written, in milliseconds, and how many leases the worker
// holds at most.
const (
	everyProperty = "beatMillis"
	maxProperty   = "maxLeases"
)

// Beat writes the row as a Java worker writes its own: what it does not name stays. A row of another kind is never touched.
func (s *Store) Beat(ctx context.Context, w leases.Worker) error {
	_, err := s.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: keyOf(w.ID),
		ConditionExpression:      aws.String("attribute_not_exists(leaseKey) OR #kind = :kind"),
		UpdateExpression:         aws.String("SET #kind = :kind, lut = :now, slu = :now, sup = :sup, sts = :sts, opr = :opr, #properties = :properties"),
		ExpressionAttributeNames: map[string]string{"#kind": entityType, "#properties": "properties"},
		ExpressionAttributeValues: item{
			":kind": text(kindWorker), ":now": seconds(w.Updated), ":sup": number(supportCode), ":sts": lists(w.Used), ":opr": lists(w.Limits),
			":properties": properties(w),
		},
	})
	return s.failure("UpdateItem", err)
}

func properties(w leases.Worker) types.AttributeValue {
	all := item{everyProperty: text(strconv.FormatInt(w.Every.Milliseconds(), 10))}
	if w.MaxLeases > 0 {
		all[maxProperty] = text(strconv.Itoa(w.MaxLeases))
	}
	return &types.AttributeValueMemberM{Value: all}
}

// Worker reads one row, strongly consistent.
func (s *Store) Worker(ctx context.Context, id string) (leases.Worker, error) {
	row, err := s.read(ctx, id)
	if err != nil {
		return leases.Worker{}, err
	}
	if kindOf(row) != kindWorker {
		return leases.Worker{}, leases.ErrNotFound
	}
	return decodeWorker(row), nil
}

// Retire deletes the row.
func (s *Store) Retire(ctx context.Context, id string, asRead time.Time) error {
	in := &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: keyOf(id), ConditionExpression: aws.String("#kind = :kind"),
		ExpressionAttributeNames: map[string]string{"#kind": entityType}, ExpressionAttributeValues: item{":kind": text(kindWorker)},
	}
	if !asRead.IsZero() {
		*in.ConditionExpression += " AND lut = :lut"
		in.ExpressionAttributeValues[":lut"] = seconds(asRead)
	}
	return s.deleteIf(ctx, in)
}

// deleteIf deletes a row, if its condition holds.
func (s *Store) deleteIf(ctx context.Context, in *dynamodb.DeleteItemInput) error {
	_, err := s.api.DeleteItem(ctx, in)
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		return nil
	}
	return s.failure("DeleteItem", err)
}

// Leader reads the lock of the Java workers, strongly consistent. A lock that its owner has released is none.
func (s *Store) Leader(ctx context.Context) (leases.Leader, error) {
	row, err := s.read(ctx, leaderRow)
	if err != nil {
		return leases.Leader{}, err
	}
	r := reader{row: row}
	if r.text("isReleased") == "1" {
		return leases.Leader{}, leases.ErrNotFound
	}
	lasts, ok := millis(r.text("leaseDuration"))
	if !ok {
		lasts = defaultLeaderLasts
	}
	return leases.Leader{Worker: r.text("ownerName"), Version: r.text("recordVersionNumber"), Lasts: lasts}, nil
}

// defaultLeaderLasts is the KCL's default.
const defaultLeaderLasts = 2 * time.Minute

// Depose deletes the lock, as taking and releasing it would.
func (s *Store) Depose(ctx context.Context, l leases.Leader) error {
	return s.deleteIf(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: keyOf(leaderRow), ConditionExpression: aws.String("recordVersionNumber = :version"),
		ExpressionAttributeValues: item{":version": text(l.Version)},
	})
}

// lists spells a map of lists of numbers.
func lists(values map[string][]float64) types.AttributeValue {
	all := make(item, len(values))
	for name, list := range values {
		numbers := make([]types.AttributeValue, len(list))
		for i, v := range list {
			numbers[i] = decimal(v)
		}
		all[name] = &types.AttributeValueMemberL{Value: numbers}
	}
	return &types.AttributeValueMemberM{Value: all}
}

// decodeWorker reads a worker's row. What it cannot read it leaves out: a row that says little still says that its worker lives.
func decodeWorker(row item) leases.Worker {
	r := reader{row: row}
	w := leases.Worker{ID: r.text("leaseKey"), Used: decodeLists(row["sts"]), Limits: decodeLists(row["opr"])}
	if lut := r.number("lut"); lut > 0 {
		w.Updated = time.Unix(lut, 0).UTC()
	}
	if properties, ok := row["properties"].(*types.AttributeValueMemberM); ok {
		p := reader{row: properties.Value}
		w.Every, _ = millis(p.text(everyProperty))
		if most, err := strconv.Atoi(p.text(maxProperty)); err == nil {
			w.MaxLeases = max(0, most)
		}
	}
	return w
}

func decodeLists(v types.AttributeValue) map[string][]float64 {
	all := make(map[string][]float64)
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok {
		return all
	}
	for name, v := range m.Value {
		list, ok := v.(*types.AttributeValueMemberL)
		if !ok {
			continue
		}
		for _, v := range list.Value {
			if n, ok := v.(*types.AttributeValueMemberN); ok {
				if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
					all[name] = append(all[name], f)
				}
			}
		}
	}
	return all
}
