package dynamodb

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/expression"
)

type transactWriteInput struct {
	TransactItems          []transactItem
	ClientRequestToken     *string
	ReturnConsumedCapacity string
	signature
	digest [sha256.Size]byte // of TransactItems
}

// transactItem is exactly one of four actions.
type transactItem struct {
	ConditionCheck, Put, Update, Delete *transactAction
}

// transactAction has the members of all four actions; each reads its own.
type transactAction struct {
	TableName                           string
	Item                                attribute.Item // of Put
	Key                                 attribute.Item // of the others
	ReturnValuesOnConditionCheckFailure string
	expressionParameters
}

type transactWriteOutput struct {
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`

	again []*consumedCapacity // what the same request is said to consume when it is sent again, which only reads
}

// UnmarshalJSON reads the request and takes the digest that tells it from others with the same token. Clients write members
// in any order, so that the digest is one of a canonical form.
func (in *transactWriteInput) UnmarshalJSON(data []byte) error {
	type members transactWriteInput // without this method
	if err := json.Unmarshal(data, (*members)(in)); err != nil {
		return err
	}
	var tree struct{ TransactItems any }
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return err
	}
	canonical, err := json.Marshal(tree.TransactItems)
	in.digest = sha256.Sum256(canonical)
	return err
}

// transactWriteItems does up to a hundred writes and checks, of any tables, all of them or none.
func (db *DB) transactWriteItems(in *transactWriteInput) (*transactWriteOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if in.ClientRequestToken == nil {
		return db.transact(in)
	}
	token := *in.ClientRequestToken
	before, err := db.tokens.begin(token, in.digest, time.Now())
	if err != nil {
		return nil, err
	}
	if before != nil {
		return &transactWriteOutput{ConsumedCapacity: before.again}, nil
	}
	out, err := db.transact(in)
	db.tokens.finish(token, out, time.Now())
	return out, err
}

func (in *transactWriteInput) check() error {
	var v violations
	v.consumedCapacity(in.ReturnConsumedCapacity)
	checkTransactCount(&v, len(in.TransactItems), in.TransactItems != nil)
	if t := in.ClientRequestToken; t != nil && (len(*t) < 1 || len(*t) > 36) {
		v.add(quoted(*t), "clientRequestToken", "Member must have length between 1 and 36")
	}
	if err := v.err(); err != nil {
		return err
	}
	for i, item := range in.TransactItems {
		item.check(&v, fmt.Sprintf("transactItems.%d.member", i+1))
	}
	if err := v.err(); err != nil {
		return err
	}
	for _, item := range in.TransactItems {
		if item.count() != 1 {
			return invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
	}
	return nil
}

// actions returns the four members under their names on the wire.
func (item transactItem) actions() map[string]*transactAction {
	return map[string]*transactAction{
		"conditionCheck": item.ConditionCheck, "put": item.Put, "update": item.Update, "delete": item.Delete,
	}
}

func (item transactItem) count() int {
	n := 0
	for _, a := range item.actions() {
		if a != nil {
			n++
		}
	}
	return n
}

func (item transactItem) check(v *violations, place string) {
	actions := item.actions()
	for _, name := range sortedKeys(actions) {
		a := actions[name]
		if a == nil {
			continue
		}
		at := place + "." + name + "."
		v.name(a.TableName, at+"tableName")
		v.enum(a.ReturnValuesOnConditionCheckFailure, at+"returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
		switch {
		case a == item.Put:
			present(v, a.Item, at+"item")
		default:
			present(v, a.Key, at+"key")
		}
		if a == item.Update && a.UpdateExpression == nil {
			v.add("null", at+"updateExpression", "Member must not be null")
		}
		if a == item.ConditionCheck && a.ConditionExpression == nil {
			v.add("null", at+"conditionExpression", "Member must not be null")
		}
	}
}

// transactStep is an action made ready: what will be tried on which item.
type transactStep struct {
	target
	change change
	checks bool // nothing will be written
}

// transact plans the whole transaction, tries all of it, and then does all of it or nothing.
func (db *DB) transact(in *transactWriteInput) (*transactWriteOutput, error) {
	steps := make([]transactStep, len(in.TransactItems))
	targets := make([]target, len(steps))
	for i, item := range in.TransactItems {
		step, err := item.plan(db)
		if err != nil {
			return nil, err
		}
		steps[i], targets[i] = step, step.target
	}
	if err := checkDistinctTargets(targets); err != nil {
		return nil, err
	}
	unlock := lockTables(targets)
	defer unlock()
	outcomes, err := prepareAll(steps)
	if err != nil {
		return nil, err
	}
	return commitAll(in, steps, outcomes), nil
}

// prepareAll tries every step. The caller holds the tables' locks.
func prepareAll(steps []transactStep) ([]outcome, error) {
	outcomes := make([]outcome, len(steps))
	size := 0
	err := decided(len(steps), func(i int) (err error) {
		outcomes[i], err = steps[i].table.prepare(steps[i].key, steps[i].change)
		size += outcomes[i].item.Size()
		return err
	})
	if err == nil && size > maxTransactBytes {
		err = invalid("Transaction request size exceeds the limit: the items of a transaction may have 4 MB in total")
	}
	return outcomes, err
}

// commitAll does what prepareAll tried. The caller has held the tables' locks since.
func commitAll(in *transactWriteInput, steps []transactStep, outcomes []outcome) *transactWriteOutput {
	written, again := make(capacities), make(capacities)
	for i, step := range steps {
		done := &outcomes[i]
		if step.checks {
			done.capacity = capacity{table: writeUnits(done.old.Size()) * transactionFactor}
			step.table.charge(writing, done.capacity)
		} else {
			step.table.commit(in.signature, done, transactionFactor)
		}
		written.add(step.table, done.capacity)
		again.add(step.table, capacity{table: readUnits(done.item.Size(), true) * transactionFactor})
	}
	return &transactWriteOutput{
		ConsumedCapacity: written.report(writing, in.ReturnConsumedCapacity),
		again:            again.report(reading, in.ReturnConsumedCapacity),
	}
}

// plan checks an action as far as that can be done without its item.
func (item transactItem) plan(db *DB) (transactStep, error) {
	switch {
	case item.Put != nil:
		return item.Put.planPut(db)
	case item.Update != nil:
		return item.Update.planUpdate(db)
	case item.Delete != nil:
		return item.Delete.planKeyed(db, func(attribute.Item) attribute.Item { return nil })
	default:
		step, err := item.ConditionCheck.planKeyed(db, func(old attribute.Item) attribute.Item { return old })
		step.checks = true
		return step, err
	}
}

func (a *transactAction) planPut(db *DB) (transactStep, error) {
	if err := checkNewItem(a.Item); err != nil {
		return transactStep{}, err
	}
	p, t, err := a.begin(db, conditionRole)
	if err != nil {
		return transactStep{}, err
	}
	if err := t.schema.checkItem(a.Item); err != nil {
		return transactStep{}, err
	}
	return transactStep{target: target{t, t.schema.key(a.Item)}, change: func(old attribute.Item) (attribute.Item, error) {
		return a.Item, a.demand(p.condition, old)
	}}, nil
}

func (a *transactAction) planUpdate(db *DB) (transactStep, error) {
	p, t, err := a.begin(db, updateRole, conditionRole)
	if err != nil {
		return transactStep{}, err
	}
	if err := t.checkUpdate(a.Key, p.update); err != nil {
		return transactStep{}, err
	}
	return transactStep{target: target{t, t.schema.key(a.Key)}, change: func(old attribute.Item) (attribute.Item, error) {
		if err := a.demand(p.condition, old); err != nil {
			return nil, err
		}
		return updated(a.Key, old, p.update)
	}}, nil
}

// planKeyed plans a Delete or a ConditionCheck: after says what is left of the item.
func (a *transactAction) planKeyed(db *DB, after func(old attribute.Item) attribute.Item) (transactStep, error) {
	p, t, err := a.begin(db, conditionRole)
	if err != nil {
		return transactStep{}, err
	}
	if err := t.schema.checkKey(a.Key); err != nil {
		return transactStep{}, err
	}
	return transactStep{target: target{t, t.schema.key(a.Key)}, change: func(old attribute.Item) (attribute.Item, error) {
		return after(old), a.demand(p.condition, old)
	}}, nil
}

// begin parses the action's expressions and finds its table.
func (a *transactAction) begin(db *DB, roles ...string) (*parsedExpressions, *table, error) {
	a.legacyParameters = legacyParameters{} // transactions are younger than expressions
	p, err := a.parse(roles...)
	if err != nil {
		return nil, nil, err
	}
	t := db.lookup(a.TableName)
	if t == nil {
		return nil, nil, noData()
	}
	return p, t, nil
}

// demand refuses the action if the condition does not hold of the item as it is.
func (a *transactAction) demand(c expression.Condition, old attribute.Item) error {
	w := writeParameters{ReturnValuesOnConditionCheckFailure: a.ReturnValuesOnConditionCheckFailure}
	return w.demand(c, old)
}
