package dynamodb

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

type batchWriteInput struct {
	RequestItems           map[string][]writeRequest
	ReturnConsumedCapacity string
	signature
}

// writeRequest is a put or a delete.
type writeRequest struct {
	PutRequest    *struct{ Item attribute.Item } `json:",omitempty"`
	DeleteRequest *struct{ Key attribute.Item }  `json:",omitempty"`
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
	var last error
	done := false
	for _, w := range writes {
		consumed, err := w.run(in.signature, out)
		if err != nil && !throttled(err) {
			return nil, err
		}
		if err != nil {
			last = err
		}
		done = done || consumed.table > 0
		if report := consumed.report(w.table.name, in.ReturnConsumedCapacity); report != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, report)
		}
	}
	if last != nil && !done {
		return nil, last // the service refuses a batch of which it can do nothing
	}
	return out, nil
}

// batchWrite is what a batch writes to one table.
type batchWrite struct {
	name     string // as the request says it
	table    *table
	requests map[string]writeRequest // by encoded keys
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
		w := batchWrite{name: name, table: t, requests: make(map[string]writeRequest)}
		for _, request := range in.RequestItems[name] {
			if err := w.add(request); err != nil {
				return nil, err
			}
		}
		if len(w.requests) == 0 {
			return nil, invalid("The batch write request list for a table cannot be null or empty")
		}
		writes = append(writes, w)
	}
	return writes, nil
}

func (w batchWrite) add(request writeRequest) error {
	var key attribute.Item
	switch put, del := request.PutRequest, request.DeleteRequest; {
	case put != nil && del != nil, put == nil && del == nil:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	case put != nil:
		key = put.Item
		if err := checkNewItem(key); err != nil {
			return err
		}
		if err := w.table.schema.checkItem(key); err != nil {
			return err
		}
		if err := w.table.checkIndexKeysNow(key); err != nil {
			return err
		}
	default:
		key = del.Key
		if err := w.table.schema.checkKey(key); err != nil {
			return err
		}
	}
	encoded := w.table.schema.key(key)
	if _, twice := w.requests[encoded]; twice {
		return invalid("Provided list of item keys contains duplicates")
	}
	w.requests[encoded] = request
	return nil
}

// item returns what the request leaves under its key: nothing for a delete.
func (r writeRequest) item() attribute.Item {
	if r.PutRequest == nil {
		return nil
	}
	return r.PutRequest.Item
}

// run writes to one table, as far as there is capacity. An error that says that there was none leaves the answer good: what
// was not written is in it.
func (w batchWrite) run(by signature, out *batchWriteOutput) (capacity, error) {
	var (
		consumed capacity
		refused  error
	)
	for _, key := range sortedKeys(w.requests) {
		request := w.requests[key]
		done, err := w.table.write(by, key, func(attribute.Item) (attribute.Item, error) { return request.item(), nil })
		if err != nil && !throttled(err) {
			return capacity{}, err
		}
		if err != nil {
			refused = err
			out.UnprocessedItems[w.name] = append(out.UnprocessedItems[w.name], request)
		}
		consumed.merge(done.capacity)
	}
	return consumed, refused
}
