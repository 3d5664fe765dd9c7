package dynamodb

import (
	"fmt"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

type transactGetInput struct {
	TransactItems          []struct{ Get *transactGet }
	ReturnConsumedCapacity string
}

type transactGet struct {
	TableName                string
	Key                      attribute.Item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type transactGetOutput struct {
	Responses        []transactGot
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// transactGot is one item; without one if there is none.
type transactGot struct {
	Item *attribute.Item `json:",omitempty"`
}

// transactGetItems reads up to a hundred items, of any tables, as they are at one moment.
func (db *DB) transactGetItems(in *transactGetInput) (*transactGetOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	targets := make([]target, len(in.TransactItems))
	projections := make([]expression.Projection, len(targets))
	for i, item := range in.TransactItems {
		var err error
		if targets[i], projections[i], err = item.Get.plan(db); err != nil {
			return nil, err
		}
	}
	if err := checkDistinctTargets(targets); err != nil {
		return nil, err
	}
	items, taken, err := readTogether(targets)
	if err != nil {
		return nil, err
	}
	out := &transactGetOutput{
		Responses:        make([]transactGot, len(items)),
		ConsumedCapacity: taken.report(reading, in.ReturnConsumedCapacity),
	}
	for i, item := range items {
		if item != nil {
			item = projected(item, projections[i])
			out.Responses[i].Item = &item
		}
	}
	return out, nil
}

func (in *transactGetInput) check() error {
	var v violations
	v.consumedCapacity(in.ReturnConsumedCapacity)
	checkTransactCount(&v, len(in.TransactItems), in.TransactItems != nil)
	if err := v.err(); err != nil {
		return err
	}
	for i, item := range in.TransactItems {
		place := fmt.Sprintf("transactItems.%d.member.get", i+1)
		if item.Get == nil {
			v.add("null", place, "Member must not be null")
			continue
		}
		v.name(item.Get.TableName, place+".tableName")
		present(&v, item.Get.Key, place+".key")
	}
	return v.err()
}

func (g *transactGet) plan(db *DB) (target, expression.Projection, error) {
	parameters := expressionParameters{
		ProjectionExpression: g.ProjectionExpression, ExpressionAttributeNames: g.ExpressionAttributeNames,
	}
	p, err := parameters.parse(projectionRole)
	if err != nil {
		return target{}, nil, err
	}
	t := db.lookup(g.TableName)
	if t == nil {
		return target{}, nil, noData()
	}
	if err := t.schema.checkKey(g.Key); err != nil {
		return target{}, nil, err
	}
	return target{t, t.schema.key(g.Key)}, p.projection, nil
}

// readTogether reads all targets while no table changes.
func readTogether(targets []target) ([]attribute.Item, capacities, error) {
	defer lockTables(targets)()
	items, taken := make([]attribute.Item, len(targets)), make(capacities)
	size := 0
	err := decided(len(targets), func(i int) error {
		t := targets[i].table
		if err := t.readable(); err != nil {
			return err
		}
		t.catchUp(time.Now())
		items[i] = t.rows.get(targets[i].key)
		size += items[i].Size()
		return t.admit(reading, nil)
	})
	if err == nil && size > maxTransactBytes {
		err = invalid("Transaction request size exceeds the limit: the items of a transaction may have 4 MB in total")
	}
	if err != nil {
		return nil, nil, err
	}
	for i, item := range items {
		units := capacity{table: readUnits(item.Size(), true) * transactionFactor}
		targets[i].table.charge(reading, units)
		taken.add(targets[i].table, units)
	}
	return items, taken, nil
}
