package dynamodb

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

// pageParameters are what Scan and Query have in common.
type pageParameters struct {
	TableName              string
	IndexName              *string
	Limit                  *int
	ExclusiveStartKey      attribute.Item
	ConsistentRead         bool
	Select                 string
	ReturnConsumedCapacity string
	expressionParameters
}

type pageOutput struct {
	Items            *[]attribute.Item `json:",omitempty"` // nil if only the count is asked for
	Count            int
	ScannedCount     int
	LastEvaluatedKey attribute.Item    `json:",omitempty"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (in *pageParameters) check(v *violations) {
	v.name(in.TableName, "tableName")
	v.optionalName(in.IndexName, "indexName")
	v.atLeast(in.Limit, "limit", 1)
	v.enum(in.Select, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	v.consumedCapacity(in.ReturnConsumedCapacity)
}

// checkSelect refuses a Select that does not go with the other parameters.
func (in *pageParameters) checkSelect() error {
	switch {
	case in.Select == "SPECIFIC_ATTRIBUTES" && in.ProjectionExpression == nil && in.AttributesToGet == nil:
		return invalidValue("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case in.Select == "ALL_PROJECTED_ATTRIBUTES" && in.IndexName == nil:
		return invalidValue("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" && in.ProjectionExpression != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", in.Select)
	case in.Select != "" && in.Select != "SPECIFIC_ATTRIBUTES" && in.AttributesToGet != nil:
		return invalid("Cannot specify the AttributesToGet when choosing to get %s", in.Select)
	}
	return nil
}

// source is what a page is read from: a table or one of its indexes.
type source struct {
	table *table
	index *index // nil for the table itself
}

// source finds the table or index that the request names and checks that it can be read the way the request wants.
func (in *pageParameters) source(db *DB, p *parsedExpressions) (source, error) {
	t := db.lookup(in.TableName)
	if t == nil {
		return source{}, noData()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	if err := t.readable(); err != nil || in.IndexName == nil {
		return source{table: t}, err
	}
	x := t.index(*in.IndexName)
	if x == nil || !x.goneAt.IsZero() {
		return source{}, invalid("The table does not have the specified index: %s", *in.IndexName)
	}
	if x.status(time.Now()) == "CREATING" {
		return source{}, invalid("Cannot read from backfilling global secondary index: %s", x.name)
	}
	return source{t, x}, in.checkIndexRead(t, x, p)
}

func (in *pageParameters) checkIndexRead(t *table, x *index, p *parsedExpressions) error {
	if in.ConsistentRead {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	if in.Select == "ALL_ATTRIBUTES" && x.projection.kind != "ALL" {
		return invalidValue("Select type ALL_ATTRIBUTES is not supported for global secondary index %s "+
			"because its projection type is not ALL", x.name)
	}
	for _, path := range p.projection {
		if !x.projects(t.schema, path.Top()) {
			return invalidValue("Global secondary index %s does not project [%s]", x.name, path.Top())
		}
	}
	return nil
}

// schema returns the key attributes that the source's rows are ordered by.
func (s source) schema() schema {
	if s.index != nil {
		return s.index.schema
	}
	return s.table.schema
}

// key returns the encoded key of the row that item is stored in.
func (s source) key(item attribute.Item) string {
	if s.index != nil {
		return s.index.schema.key(item) + s.table.schema.key(item)
	}
	return s.table.schema.key(item)
}

// position returns what LastEvaluatedKey says of an item: the table's key and, for an index, the index's too.
func (s source) position(item attribute.Item) attribute.Item {
	key := s.table.schema.keyOf(item)
	for _, a := range s.schema().attributes() {
		key[a.name] = item[a.name]
	}
	return key
}

// checkStart checks that an ExclusiveStartKey has the form of a LastEvaluatedKey of this source.
func (s source) checkStart(start attribute.Item) error {
	if s.index == nil {
		if err := s.table.schema.checkKey(start); err != nil {
			return startError(err)
		}
		return nil
	}
	if !s.index.schema.covers(start) || !s.table.schema.covers(start) || len(start) != len(s.position(start)) {
		return invalid("The provided starting key is invalid")
	}
	if err := s.index.schema.checkKeyValues(start); err != nil {
		return startError(err)
	}
	if err := s.table.schema.checkKeyValues(start); err != nil {
		return startError(err)
	}
	return nil
}

func startError(err error) error {
	return invalid("The provided starting key is invalid: %s", asError(err).Message)
}

// startAfter cuts from a span what lies up to and including the start key.
func (s source) startAfter(within span, start attribute.Item, forward bool) span {
	key := s.key(start)
	if forward {
		within.from = key + "\x00" // the least key behind
	} else {
		within.to = key
	}
	return within
}

// extent says how much of a source a page covers.
type extent struct {
	within     span
	forward    bool
	limit      *int // rows; nil for no limit
	consistent bool
}

// read collects a page: rows in order, until their number reaches the limit (if there is one) or their size a megabyte. more
// says that the page ended for one of these reasons and not at the end of the span. As in the service, that does not
// promise that another row exists.
func (s source) read(e extent) (page []attribute.Item, taken capacity, more bool, err error) {
	defer s.table.lockToRead()()
	if err := s.table.admit(reading, s.index); err != nil {
		return nil, capacity{}, false, err
	}
	rows, name := s.table.rows.view(e.consistent), ""
	if s.index != nil {
		rows, name = s.index.rows.view(false), s.index.name
	}
	bytes := 0
	for w := range rows.in(e.within, e.forward) {
		page = append(page, w.item)
		bytes += w.size
		if more = bytes >= maxPageBytes || (e.limit != nil && len(page) == *e.limit); more {
			break
		}
	}
	taken.add(name, readUnits(bytes, e.consistent))
	s.table.charge(reading, taken)
	return page, taken, more, nil
}

// page reads, filters and projects one page.
func (in *pageParameters) page(s source, within span, forward bool, p *parsedExpressions) (*pageOutput, error) {
	page, taken, more, err := s.read(extent{within, forward, in.Limit, in.ConsistentRead})
	if err != nil {
		return nil, err
	}
	out := &pageOutput{ScannedCount: len(page), ConsumedCapacity: taken.report(s.table.name, in.ReturnConsumedCapacity)}
	if more {
		out.LastEvaluatedKey = s.position(page[len(page)-1])
	}
	kept := filtered(page, p.filter)
	out.Count = len(kept)
	if in.Select != "COUNT" {
		for i, item := range kept {
			kept[i] = projected(item, p.projection)
		}
		out.Items = &kept
	}
	return out, nil
}

// filtered keeps, in page's own memory, the items that the condition holds of.
func filtered(page []attribute.Item, c expression.Condition) []attribute.Item {
	kept := page[:0]
	for _, item := range page {
		if c == nil || c.Holds(item) {
			kept = append(kept, item)
		}
	}
	if kept == nil {
		return []attribute.Item{}
	}
	return kept
}
