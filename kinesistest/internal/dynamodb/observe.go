package dynamodb

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// A Write is one change of one item, by whichever operation.
type Write struct {
	Table         string
	Key           string         // the value of the partition key
	Caller        string         // the name of the client that asked for it, "" if it has none
	Before, After attribute.Item // the whole item; nil for none
	At            time.Time
}

// A signature says on whose behalf a request writes. Inputs of writing operations embed it.
type signature struct{ caller string }

func (s *signature) sign(caller string) { s.caller = caller }

// wrote tells the observer about a change. The caller holds mu, so that the changes of an item are told in their order.
func (t *table) wrote(by signature, before, after attribute.Item) {
	if t.observe == nil || before == nil && after == nil {
		return
	}
	key := before[t.schema.partition.name]
	if after != nil {
		key = after[t.schema.partition.name]
	}
	t.observe(Write{Table: t.name, Key: attribute.Text(key), Caller: by.caller, Before: before, After: after, At: time.Now()})
}

// PartitionKey returns the name of the attribute that is the partition key of a table, given by its name or ARN; "" if there
// is no such table.
func (db *DB) PartitionKey(nameOrARN string) string {
	t := db.lookup(nameOrARN)
	if t == nil {
		return ""
	}
	return t.schema.partition.name
}
