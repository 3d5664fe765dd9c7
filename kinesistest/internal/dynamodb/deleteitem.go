package dynamodb

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

type deleteItemInput struct {
	Key attribute.Item
	writeParameters
}

// deleteItem removes an item; it is no error if there is none.
func (db *DB) deleteItem(in *deleteItemInput) (*writeOutput, error) {
	var v violations
	in.check(&v)
	present(&v, in.Key, "key")
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := in.checkReturnValues(); err != nil {
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
	if err := t.schema.checkKey(in.Key); err != nil {
		return nil, err
	}
	done, err := t.write(in.signature, t.schema.key(in.Key), func(old attribute.Item) (attribute.Item, error) {
		return nil, in.demand(expressions.condition, old)
	})
	if err != nil {
		return nil, err
	}
	return in.output(t, done), nil
}
