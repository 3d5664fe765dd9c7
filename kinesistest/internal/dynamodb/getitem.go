package dynamodb

import (
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

type getItemInput struct {
	TableName              string
	Key                    attribute.Item
	ConsistentRead         bool
	ReturnConsumedCapacity string
	expressionParameters
}

type getItemOutput struct {
	Item             *attribute.Item   `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// getItem reads one item.
func (db *DB) getItem(in *getItemInput) (*getItemOutput, error) {
	var v violations
	v.name(in.TableName, "tableName")
	present(&v, in.Key, "key")
	v.consumedCapacity(in.ReturnConsumedCapacity)
	if err := v.err(); err != nil {
		return nil, err
	}
	expressions, err := in.parse(projectionRole)
	if err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noData()
	}
	if err := t.schema.checkKey(in.Key); err != nil {
		return nil, err
	}
	item, read, err := t.get(t.schema.key(in.Key), in.ConsistentRead)
	if err != nil {
		return nil, err
	}
	out := &getItemOutput{ConsumedCapacity: read.report(t.name, in.ReturnConsumedCapacity)}
	if item != nil {
		item = projected(item, expressions.projection)
		out.Item = &item
	}
	return out, nil
}

// projected returns the parts of item that a projection names; all of it if there is no projection.
func projected(item attribute.Item, p expression.Projection) attribute.Item {
	if p == nil {
		return item
	}
	return p.Of(item)
}
