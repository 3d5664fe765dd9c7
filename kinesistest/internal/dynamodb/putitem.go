package dynamodb

import (
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// writeParameters are what the three single-item writes have in common.
type writeParameters struct {
	TableName                           string
	ReturnValues                        string
	ReturnConsumedCapacity              string
	ReturnValuesOnConditionCheckFailure string
	expressionParameters
	signature
}

// writeOutput is the answer of the three single-item writes.
type writeOutput struct {
	Attributes       attribute.Item    `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (w *writeParameters) check(v *violations) {
	v.name(w.TableName, "tableName")
	v.enum(w.ReturnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	v.enum(w.ReturnValuesOnConditionCheckFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
	v.consumedCapacity(w.ReturnConsumedCapacity)
}

// checkReturnValues is for the writes that have nothing but the old item to return.
func (w *writeParameters) checkReturnValues() error {
	switch w.ReturnValues {
	case "", "NONE", "ALL_OLD":
		return nil
	default:
		return invalid("ReturnValues can only be ALL_OLD or NONE")
	}
}

// demand refuses the write if the condition does not hold of the item as it is.
func (w *writeParameters) demand(c expression.Condition, old attribute.Item) error {
	if c == nil || c.Holds(old) {
		return nil
	}
	refused := refusal("ConditionalCheckFailedException", "The conditional request failed")
	if w.ReturnValuesOnConditionCheckFailure == "ALL_OLD" {
		refused.Item = old
	}
	return refused
}

func (w *writeParameters) output(t *table, done outcome) *writeOutput {
	out := &writeOutput{ConsumedCapacity: done.capacity.report(t.name, w.ReturnConsumedCapacity)}
	if w.ReturnValues == "ALL_OLD" {
		out.Attributes = done.old
	}
	return out
}

type putItemInput struct {
	Item attribute.Item
	writeParameters
}

// putItem stores a whole item in place of whatever had its key.
func (db *DB) putItem(in *putItemInput) (*writeOutput, error) {
	var v violations
	in.check(&v)
	present(&v, in.Item, "item")
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := in.checkReturnValues(); err != nil {
		return nil, err
	}
	if err := checkNewItem(in.Item); err != nil {
		return nil, err
	}
	expressions, err := in.parse(conditionRole)
	if err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noData()
	}
	if err := t.schema.checkItem(in.Item); err != nil {
		return nil, err
	}
	done, err := t.write(in.signature, t.schema.key(in.Item), func(old attribute.Item) (attribute.Item, error) {
		return in.Item, in.demand(expressions.condition, old)
	})
	if err != nil {
		return nil, err
	}
	return in.output(t, done), nil
}

// checkNewItem checks what does not depend on the table.
func checkNewItem(item attribute.Item) error {
	if item.Size() > maxItemBytes {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return checkNames(item)
}

// checkNames refuses attributes without a name.
func checkNames(item attribute.Item) error {
	if _, nameless := item[""]; nameless {
		return invalidValue("Empty attribute name")
	}
	return nil
}
