package dynamodb

import (
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

type queryInput struct {
	pageParameters
	ScanIndexForward *bool
}

// query reads a page of one partition of a table or an index.
func (db *DB) query(in *queryInput) (*pageOutput, error) {
	var v violations
	in.check(&v)
	if err := v.err(); err != nil {
		return nil, err
	}
	if err := in.checkSelect(); err != nil {
		return nil, err
	}
	expressions, err := in.parse(keyConditionRole, filterRole, projectionRole)
	if err != nil {
		return nil, err
	}
	if expressions.keyCondition == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	s, err := in.source(db, expressions)
	if err != nil {
		return nil, err
	}
	if err := checkFilter(s.schema(), expressions.filter, in.filterName()); err != nil {
		return nil, err
	}
	within, err := s.schema().span(expressions.keyCondition)
	if err != nil {
		return nil, err
	}
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	if in.ExclusiveStartKey != nil {
		if err := s.checkStart(in.ExclusiveStartKey); err != nil {
			return nil, err
		}
		if !within.contains(s.key(in.ExclusiveStartKey)) {
			return nil, s.outside(in.ExclusiveStartKey, expressions.keyCondition)
		}
		within = s.startAfter(within, in.ExclusiveStartKey, forward)
	}
	return in.page(s, within, forward, expressions)
}

// outside words the refusal of a start key that the key condition does not hold of.
func (s source) outside(start attribute.Item, condition expression.KeyCondition) error {
	schema := s.schema()
	samePartition := attribute.Equal(start[schema.partition.name], condition[schema.partition.name].Values[0])
	if samePartition && schema.sort.name != "" {
		return invalid("The provided starting key does not match the range key predicate")
	}
	return invalid("The provided starting key is outside query boundaries based on provided conditions")
}

// span translates a key condition: the partition key must equal a value, the sort key may be restricted.
func (s schema) span(condition expression.KeyCondition) (span, error) {
	partition, ok := condition[s.partition.name]
	if !ok {
		return span{}, invalid("Query condition missed key schema element: %s", s.partition.name)
	}
	terms := 1
	sort, restricted := condition[s.sort.name]
	if restricted && s.sort.name != "" {
		terms++
	}
	switch {
	case len(condition) > terms && (s.sort.name == "" || restricted):
		return span{}, invalid("Query key condition not supported")
	case len(condition) > terms:
		return span{}, invalid("Query condition missed key schema element: %s", s.sort.name)
	case partition.Operator != expression.Equal:
		return span{}, invalid("Query key condition not supported")
	}
	if err := s.partition.checkTerm(partition); err != nil {
		return span{}, err
	}
	if terms == 1 {
		return partitionSpan(partition.Values[0]), nil
	}
	if err := s.sort.checkTerm(sort); err != nil {
		return span{}, err
	}
	return termSpan(partition.Values[0], sort), nil
}

// checkTerm checks that the values of a term can be compared with the key attribute.
func (a keyAttribute) checkTerm(term expression.KeyTerm) error {
	for _, v := range term.Values {
		switch {
		case v.Kind() != a.kind, term.Operator == expression.KeyBeginsWith && a.kind == attribute.KindNumber:
			return invalidValue("Condition parameter type does not match schema type")
		case v.Size() == 0 && term.Operator == expression.Equal:
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute "+
				"cannot contain an empty %s value. Key: %s", emptiness(a.kind), a.name)
		}
	}
	return nil
}

// checkFilter refuses a filter on the key attributes that the query is about: their place is the key condition.
func checkFilter(s schema, filter expression.Condition, name string) error {
	for _, path := range expression.Paths(filter) {
		if s.has(path.Top()) {
			return invalid("%s can only contain non-primary key attributes: Primary key attribute: %s", name, path.Top())
		}
	}
	return nil
}
