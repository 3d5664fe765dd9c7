package dynamodb

import (
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

type updateItemInput struct {
	Key attribute.Item
	writeParameters
}

// updateItem changes attributes of an item, or makes the item out of its key and the update if there is none.
func (db *DB) updateItem(in *updateItemInput) (*writeOutput, error) {
	var v violations
	in.check(&v)
	present(&v, in.Key, "key")
	if err := v.err(); err != nil {
		return nil, err
	}
	expressions, err := in.parse(updateRole, conditionRole)
	if err != nil {
		return nil, err
	}
	update := expressions.update
	if update == nil {
		update = new(expression.Update)
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noData()
	}
	if err := t.checkUpdate(in.Key, update); err != nil {
		return nil, err
	}
	done, err := t.write(in.signature, t.schema.key(in.Key), func(old attribute.Item) (attribute.Item, error) {
		if err := in.demand(expressions.condition, old); err != nil {
			return nil, err
		}
		return updated(in.Key, old, update)
	})
	if err != nil {
		return nil, err
	}
	out := in.output(t, done)
	if in.ReturnValues != "ALL_OLD" {
		out.Attributes = returnedAttributes(in.ReturnValues, done, update)
	}
	return out, nil
}

// checkUpdate refuses a wrong key and changes of key attributes.
func (t *table) checkUpdate(key attribute.Item, update *expression.Update) error {
	if err := t.schema.checkKey(key); err != nil {
		return err
	}
	for _, path := range update.Paths() {
		switch {
		case !t.schema.has(path.Top()):
		case len(path) > 1:
			return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s",
				path.Top())
		default:
			return invalidValue("Cannot update attribute %s. This attribute is part of the key", path.Top())
		}
	}
	return nil
}

// updated applies an update to an item or, if there is none, to a new one that has only its key. An update that does
// nothing but take away makes no item: there is nothing to take from, says the service's documentation.
func updated(key, old attribute.Item, update *expression.Update) (attribute.Item, error) {
	if old == nil && update.OnlyTakes() {
		return nil, nil
	}
	if old == nil {
		old = key
	}
	item, err := update.Apply(old)
	if err != nil {
		return nil, err
	}
	if item.Size() > maxItemBytes {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	return item, checkNames(item)
}

// returnedAttributes returns what ReturnValues asks for. The two UPDATED forms show only the paths that the update
// names.
func returnedAttributes(returnValues string, done outcome, update *expression.Update) attribute.Item {
	touched := expression.Projection(update.Paths())
	switch returnValues {
	case "ALL_NEW":
		return done.item
	case "UPDATED_OLD":
		return touched.Of(done.old)
	case "UPDATED_NEW":
		return touched.Of(done.item)
	default:
		return nil
	}
}
