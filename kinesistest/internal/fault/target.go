package fault

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/partiql"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// A target is what a request is about. Anything it does not say is "".
type target struct {
	stream string
	shards []string // more than one in a merge
	puts   bool     // it puts records, which go to shards that nobody knows yet
	rows   []row
}

// A row is an item that a request is about; the key is "" if the request is about the whole table.
type row struct{ table, key string }

// fits reports whether the target is one of the rule's.
func (t target) fits(r *Rule) bool {
	return fits(r.Stream, t.stream) && t.fitsShard(r) && t.fitsRow(r)
}

// fitsShard leaves it to an effect that looks at every record to find those of the shard.
func (t target) fitsShard(r *Rule) bool {
	if r.Shard == "" || t.puts && r.Do.perRecord {
		return true
	}
	for _, s := range t.shards {
		if s == r.Shard {
			return true
		}
	}
	return false
}

func (t target) fitsRow(r *Rule) bool {
	if r.Table == "" && r.Key == "" {
		return true
	}
	for _, row := range t.rows {
		if fits(r.Table, row.table) && fits(r.Key, row.key) {
			return true
		}
	}
	return false
}

// target reads what the request is about from its body. A malformed body is about as much as could be read.
func (s *Set) target(r *http.Request, body []byte) target {
	switch service, operation := addressee(r); service {
	case Kinesis:
		t := ofStream(r, body)
		t.puts = operation == "PutRecord" || operation == "PutRecords"
		return t
	case DynamoDB:
		return target{rows: s.rows(body)}
	}
	return target{}
}

func ofStream(r *http.Request, body []byte) (t target) {
	d := wire.NewJSON(body)
	if isCBOR(r) {
		d = wire.NewCBOR(body)
	}
	for name := range d.Fields() {
		switch string(name) {
		case "StreamName":
			t.stream = string(d.Span())
		case "StreamARN", "ConsumerARN", "ResourceARN":
			_, path, _ := strings.Cut(string(d.Span()), ":stream/")
			t.stream, _, _ = strings.Cut(path, "/")
		case "ShardId", "ShardToSplit", "ShardToMerge", "AdjacentShardToMerge":
			t.shards = append(t.shards, string(d.Span()))
		case "ShardIterator":
			stream, shard := kinesis.Reads(string(d.Span()))
			t.stream, t.shards = stream, append(t.shards, shard)
		default:
			d.Skip()
		}
	}
	return t
}

// An item request is the part of a request to DynamoDB that names a row; the attributes stand by their names.
type itemRequest struct {
	TableName string
	Key, Item map[string]json.RawMessage
}

// A statement names a row in its text.
type statement struct {
	Statement  string
	Parameters partiql.Parameters
}

// rows lists the rows that a request names, alone, in a batch, in a transaction or in statements.
func (s *Set) rows(body []byte) (rows []row) {
	var in struct {
		itemRequest
		TransactItems []map[string]itemRequest
		RequestItems  map[string]json.RawMessage
		Statements    []statement
	}
	if json.Unmarshal(body, &in) != nil {
		return nil
	}
	if in.TableName != "" {
		rows = append(rows, s.row(in.itemRequest))
	}
	for _, one := range in.TransactItems {
		for _, request := range one {
			rows = append(rows, s.row(request))
		}
	}
	for table, batch := range in.RequestItems {
		rows = append(rows, s.batch(table, batch)...)
	}
	for _, one := range in.Statements {
		if parsed, err := partiql.Parse(one.Statement, one.Parameters); err == nil {
			rows = append(rows, s.updated(parsed))
		}
	}
	return rows
}

// updated returns the row that a statement is about.
func (s *Set) updated(by *partiql.Statement) row {
	table := tableName(by.Table)
	name := s.keyName(table)
	key, _, err := by.Key(name)
	if err != nil {
		return row{table, ""}
	}
	return row{table, attribute.Text(key[name])}
}

// tableName returns the name at the end of a table's ARN, and anything else as it is.
func tableName(nameOrARN string) string {
	if _, name, isARN := strings.Cut(nameOrARN, ":table/"); isARN {
		return name
	}
	return nameOrARN
}

// batch lists the rows of one table's part of a batch, which is a list of writes or a set of keys to get.
func (s *Set) batch(table string, part json.RawMessage) (rows []row) {
	var writes []map[string]itemRequest
	if json.Unmarshal(part, &writes) == nil {
		for _, one := range writes {
			for _, request := range one {
				request.TableName = table
				rows = append(rows, s.row(request))
			}
		}
		return rows
	}
	var gets struct{ Keys []map[string]json.RawMessage }
	if json.Unmarshal(part, &gets) == nil {
		for _, key := range gets.Keys {
			rows = append(rows, s.row(itemRequest{TableName: table, Key: key}))
		}
	}
	return rows
}

func (s *Set) row(in itemRequest) row {
	table := tableName(in.TableName)
	name := s.keyName(table)
	value, there := in.Key[name]
	if !there {
		value = in.Item[name]
	}
	var typed map[string]string // one member: the type's name and the value
	if json.Unmarshal(value, &typed) == nil {
		for _, text := range typed {
			return row{table, text}
		}
	}
	return row{table, ""}
}
