package dynamodb

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

type batchWriteInput struct {
	RequestItems           map[string][]writeRequest
	ReturnConsumedCapacity string
}

// writeRequest is a put or a delete.
type writeRequest struct {
	PutRequest    *struct{ Item attribute.Item }
	DeleteRequest *struct{ Key attribute.Item }
}

type batchWriteOutput struct {
	UnprocessedItems map[string][]writeRequest
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// batchWriteItem puts and deletes up to 25 items of any tables. Each write is atomic, the batch is not.
func (db *DB) batchWriteItem(in *batchWriteInput) (*batchWriteOutput, error) {
	var v violations
	v.consumedCapacity(in.ReturnConsumedCapacity)
	checkBatch(&v, in.RequestItems)
	if err := v.err(); err != nil {
		return nil, err
	}
	writes, err := db.planWrites(in)
	if err != nil {
		return nil, err
	}
	out := &batchWriteOutput{UnprocessedItems: make(map[string][]writeRequest)}
	for _, w := range writes {
		consumed, err := w.run()
		if err != nil {
			return nil, err
		}
		if report := consumed.report(w.table.name, in.ReturnConsumedCapacity); report != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, report)
		}
	}
	return out, nil
}

// batchWrite is what a batch writes to one table: items by encoded keys, nil for those to delete.
type batchWrite struct {
	table *table
	items map[string]attribute.Item
}

// planWrites checks the whole batch before anything is written.
func (db *DB) planWrites(in *batchWriteInput) ([]batchWrite, error) {
	count := 0
	for _, requests := range in.RequestItems {
		count += len(requests)
	}
	if count > maxBatchWrites {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	var writes []batchWrite
	for _, name := range sortedKeys(in.RequestItems) {
		t := db.lookup(name)
		if t == nil {
			return nil, noData()
		}
		w := batchWrite{table: t, items: make(map[string]attribute.Item)}
		for _, request := range in.RequestItems[name] {
			if err := w.add(request); err != nil {
				return nil, err
			}
		}
		if len(w.items) == 0 {
			return nil, invalid("The batch write request list for a table cannot be null or empty")
		}
		writes = append(writes, w)
	}
	return writes, nil
}

func (w batchWrite) add(request writeRequest) error {
	var item, key attribute.Item
	switch put, del := request.PutRequest, request.DeleteRequest; {
	case put != nil && del != nil, put == nil && del == nil:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case put != nil:
		item, key = put.Item, put.Item
		if err := checkNewItem(item); err != nil {
			return err
		}
		if err := w.table.schema.checkItem(item); err != nil {
			return err
		}
		if err := w.table.checkIndexKeysNow(item); err != nil {
			return err
		}
	default:
		key = del.Key
		if err := w.table.schema.checkKey(key); err != nil {
			return err
		}
	}
	encoded := w.table.schema.key(key)
	if _, twice := w.items[encoded]; twice {
		return invalid("Provided list of item keys contains duplicates")
	}
	w.items[encoded] = item
	return nil
}

func (w batchWrite) run() (capacity, error) {
	var consumed capacity
	for _, key := range sortedKeys(w.items) {
		done, err := w.table.write(key, func(attribute.Item) (attribute.Item, error) { return w.items[key], nil })
		if err != nil {
			return capacity{}, err
		}
		consumed.merge(done.capacity)
	}
	return consumed, nil
}
