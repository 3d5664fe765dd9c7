package dynamodb

import "github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"

type batchGetInput struct {
	RequestItems           map[string]batchGetKeys
	ReturnConsumedCapacity string
}

// batchGetKeys are the keys of one table, and how to read them.
type batchGetKeys struct {
	Keys           []attribute.Item
	ConsistentRead bool `json:",omitempty"`
	batchProjection
}

// batchProjection is the part of batchGetKeys that is no more than carried along when keys are handed back.
type batchProjection struct {
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
}

type batchGetOutput struct {
	Responses        map[string][]attribute.Item
	UnprocessedKeys  map[string]batchGetKeys
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// batchGetItem reads up to a hundred items of any tables. Keys that would take the answer over 16 MB come back
// unprocessed.
func (db *DB) batchGetItem(in *batchGetInput) (*batchGetOutput, error) {
	var v violations
	v.consumedCapacity(in.ReturnConsumedCapacity)
	checkBatch(&v, in.RequestItems)
	if err := v.err(); err != nil {
		return nil, err
	}
	reads, err := db.planReads(in)
	if err != nil {
		return nil, err
	}
	out := &batchGetOutput{Responses: make(map[string][]attribute.Item), UnprocessedKeys: make(map[string]batchGetKeys)}
	room := maxBatchBytes
	var last error
	done := false
	for _, r := range reads {
		consumed, err := r.run(out, &room)
		if err != nil && !throttled(err) {
			return nil, err
		}
		if err != nil {
			last = err
		}
		done = done || consumed.table > 0
		if report := consumed.report(r.table.name, in.ReturnConsumedCapacity); report != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, report)
		}
	}
	if last != nil && !done {
		return nil, last // the service refuses a batch of which it can do nothing
	}
	return out, nil
}

func checkBatch[V any](v *violations, items map[string]V) {
	switch {
	case items == nil:
		v.add("null", "requestItems", "Member must not be null")
	case len(items) == 0:
		v.add("'{}'", "requestItems", "Member must have length greater than or equal to 1")
	}
}

// batchRead is what a batch reads of one table.
type batchRead struct {
	name        string // as the request says it
	table       *table
	keys        batchGetKeys
	expressions *parsedExpressions
}

// planReads checks the whole batch before anything is read.
func (db *DB) planReads(in *batchGetInput) ([]batchRead, error) {
	count := 0
	var reads []batchRead
	for _, name := range sortedKeys(in.RequestItems) {
		keys := in.RequestItems[name]
		count += len(keys.Keys)
		parameters := expressionParameters{
			ProjectionExpression:     keys.ProjectionExpression,
			ExpressionAttributeNames: keys.ExpressionAttributeNames,
			legacyParameters:         legacyParameters{AttributesToGet: keys.AttributesToGet},
		}
		expressions, err := parameters.parse(projectionRole)
		if err != nil {
			return nil, err
		}
		reads = append(reads, batchRead{name: name, keys: keys, expressions: expressions})
	}
	if count > maxBatchGets {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	for i := range reads {
		r := &reads[i]
		if r.table = db.lookup(r.name); r.table == nil {
			return nil, noData()
		}
		if err := checkDistinctKeys(r.table, r.keys.Keys); err != nil {
			return nil, err
		}
	}
	return reads, nil
}

func checkDistinctKeys(t *table, keys []attribute.Item) error {
	if len(keys) == 0 {
		return invalid("1 validation error detected: Value '[]' at 'requestItems.%s.member.keys' failed to satisfy constraint: "+
			"Member must have length greater than or equal to 1", t.name)
	}
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if err := t.schema.checkKey(key); err != nil {
			return err
		}
		encoded := t.schema.key(key)
		if seen[encoded] {
			return invalid("Provided list of item keys contains duplicates")
		}
		seen[encoded] = true
	}
	return nil
}

// run reads the keys of one table into out, as far as there is room and capacity. An error that says that there was no
// capacity leaves the answer good.
func (r batchRead) run(out *batchGetOutput, room *int) (capacity, error) {
	found := []attribute.Item{}
	var (
		consumed capacity
		refused  error
	)
	for i, key := range r.keys.Keys {
		item, taken, err := r.table.get(r.table.schema.key(key), r.keys.ConsistentRead)
		if err != nil && !throttled(err) {
			return capacity{}, err
		}
		consumed.merge(taken)
		if err != nil || item.Size() > *room {
			left := r.keys
			left.Keys = left.Keys[i:]
			out.UnprocessedKeys[r.name] = left
			refused = err
			if err == nil {
				*room = 0
			}
			break
		}
		*room -= item.Size()
		if item != nil {
			found = append(found, projected(item, r.expressions.projection))
		}
	}
	out.Responses[r.name] = found
	return consumed, refused
}
