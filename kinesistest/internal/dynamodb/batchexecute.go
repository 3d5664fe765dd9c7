package dynamodb

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/partiql"
)

type batchExecuteInput struct {
	Statements             []batchStatement
	ReturnConsumedCapacity string
	signature
}

// batchStatement is a statement with its values.
type batchStatement struct {
	Statement                           string
	Parameters                          partiql.Parameters
	ConsistentRead                      bool // of statements that read, which are not done here
	ReturnValuesOnConditionCheckFailure string
}

type batchExecuteOutput struct {
	Responses        []statementResponse
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// statementResponse is what became of one statement. The table is named unless the statement was refused before it was tried.
type statementResponse struct {
	TableName string          `json:",omitempty"`
	Item      attribute.Item  `json:",omitempty"` // what RETURNING asks for
	Error     *statementError `json:",omitempty"`
}

type statementError struct {
	Code    string
	Message string         `json:",omitempty"`
	Item    attribute.Item `json:",omitempty"` // goes with a failed condition, if the statement asked for it
}

// batchExecuteStatement does up to 25 updates of items of any tables. Each is atomic and has a condition of its own, the batch is not: the
// answer says of each what became of it, and is good though all have failed.
func (db *DB) batchExecuteStatement(in *batchExecuteInput) (*batchExecuteOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	steps := make([]statementStep, len(in.Statements))
	var targets []target
	for i := range steps {
		steps[i] = in.Statements[i].plan(db)
		if steps[i].refused == nil {
			targets = append(targets, steps[i].target)
		}
	}
	if !distinct(targets) {
		return nil, invalid("Provided list of item keys contains duplicates")
	}
	out := &batchExecuteOutput{Responses: make([]statementResponse, len(steps))}
	bill := statementBill{done: make(capacities), failed: make(capacities)}
	for i := range steps {
		out.Responses[i] = steps[i].run(in.signature, &bill)
	}
	out.ConsumedCapacity = bill.report(in.ReturnConsumedCapacity)
	return out, nil
}

func (in *batchExecuteInput) check() error {
	var v violations
	v.consumedCapacity(in.ReturnConsumedCapacity)
	switch n := len(in.Statements); {
	case in.Statements == nil:
		v.add("null", "statements", "Member must not be null")
	case n == 0:
		v.add("'[]'", "statements", "Member must have length greater than or equal to 1")
	case n > maxStatements:
		v.add(fmt.Sprintf("'[%d items]'", n), "statements", fmt.Sprintf("Member must have length less than or equal to %d", maxStatements))
	}
	if err := v.err(); err != nil {
		return err
	}
	for i := range in.Statements {
		in.Statements[i].check(&v, i)
	}
	return v.err()
}

func (s *batchStatement) check(v *violations, i int) {
	at := fmt.Sprintf("statements.%d.member.", i+1)
	switch n := utf8.RuneCountInString(s.Statement); {
	case n == 0:
		v.add("''", at+"statement", "Member must have length greater than or equal to 1")
	case n > partiql.MaxCharacters:
		v.add(fmt.Sprintf("'%d characters'", n), at+"statement", fmt.Sprintf("Member must have length less than or equal to %d", partiql.MaxCharacters))
	}
	if s.Parameters != nil && len(s.Parameters) == 0 {
		v.add("'[]'", at+"parameters", "Member must have length greater than or equal to 1")
	}
	v.enum(s.ReturnValuesOnConditionCheckFailure, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
}

// statementStep is a statement made ready: what will be tried on which item.
type statementStep struct {
	target
	statement *partiql.Statement // nil if it cannot be read
	keyItem   attribute.Item
	condition expression.Condition
	failing   writeParameters // what a condition that fails is answered with
	refused   error           // why there will be no try
}

// plan checks a statement as far as that can be done without its item.
func (s *batchStatement) plan(db *DB) (step statementStep) {
	step.failing.ReturnValuesOnConditionCheckFailure = s.ReturnValuesOnConditionCheckFailure
	if step.statement, step.refused = partiql.Parse(s.Statement, s.Parameters); step.refused != nil {
		return step
	}
	t := db.lookup(step.statement.Table)
	if t == nil {
		step.refused = noData()
		return step
	}
	step.refused = step.aim(t)
	return step
}

// aim takes the key out of the statement. What is left of its WHERE clause is the condition; before that stands that there is an item, for
// these updates make none.
func (s *statementStep) aim(t *table) error {
	names := []string{t.schema.partition.name}
	if t.schema.sort.name != "" {
		names = append(names, t.schema.sort.name)
	}
	key, rest, err := s.statement.Key(names...)
	if err != nil {
		return err
	}
	if err := t.checkUpdate(key, &s.statement.Update); err != nil {
		return err
	}
	s.target, s.keyItem = target{t, t.schema.key(key)}, key
	s.condition = expression.Exists{Path: expression.Path{{Name: names[0], Index: -1}}, Want: true}
	if rest != nil {
		s.condition = expression.And{Left: s.condition, Right: rest}
	}
	return nil
}

// run tries the statement and notes on the bill what that took.
func (s *statementStep) run(by signature, bill *statementBill) statementResponse {
	if s.refused != nil {
		return s.response(nil, s.refused)
	}
	var found attribute.Item
	done, err := s.table.write(by, s.key, func(old attribute.Item) (attribute.Item, error) {
		found = old
		if err := s.failing.demand(s.condition, old); err != nil {
			return nil, err
		}
		return updated(s.keyItem, old, &s.statement.Update)
	})
	if err != nil {
		bill.fail(s.table, found, err)
		return s.response(nil, err)
	}
	bill.done.add(s.table, done.capacity)
	if s.statement.ReturnValues == "ALL_OLD" {
		return s.response(done.old, nil)
	}
	return s.response(returnedAttributes(s.statement.ReturnValues, done, &s.statement.Update), nil)
}

func (s *statementStep) response(item attribute.Item, err error) statementResponse {
	r := statementResponse{Item: item}
	if err != nil {
		refused := asError(err)
		r.Error = &statementError{Code: statementCode(refused.Code), Message: refused.Message, Item: refused.Item}
	}
	if s.statement != nil && (err == nil || r.Error.Code != "ValidationError") {
		r.TableName = s.statement.Table
	}
	return r
}

// statementCode returns the name that the answer to a batch has for an error.
func statementCode(code string) string {
	switch code {
	case "ValidationException":
		return "ValidationError"
	case "ThrottlingException":
		return "ThrottlingError"
	default:
		return strings.TrimSuffix(code, "Exception")
	}
}

// statementBill is what the statements of a batch have consumed.
type statementBill struct{ done, failed capacities }

// fail notes a write that was refused; it is charged if its condition did not hold.
func (b *statementBill) fail(t *table, found attribute.Item, err error) {
	if asError(err).Code == "ConditionalCheckFailedException" {
		b.failed.add(t, capacity{table: writeUnits(found.Size())})
	}
}

// report returns the wire form in the detail that the request asked for. Failed statements are in the sum of their table alone, and only
// if another statement on the table has not failed: so the service counts.
func (b *statementBill) report(detail string) []*consumedCapacity {
	var reports []*consumedCapacity
	for _, name := range sortedKeys(b.done) {
		report := b.done[name].report(name, detail)
		if report == nil {
			return nil
		}
		report.CapacityUnits += b.failed[name].table
		reports = append(reports, report)
	}
	return reports
}
