package dynamo

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/leases"
)

// update turns a write into a request. Attribute names are always written by placeholder, so that none can be a reserved word.
func update(table string, w leases.Write) *dynamodb.UpdateItemInput {
	e := expression{names: make(map[string]string), values: make(map[string]types.AttributeValue)}
	e.demand(w.Condition())
	e.change(w.Change())
	return &dynamodb.UpdateItemInput{
		TableName: &table, Key: keyOf(w.Key()), ConditionExpression: aws.String(strings.Join(e.conditions, " AND ")),
		UpdateExpression: e.update(), ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.bound(),
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// expression collects the clauses of a request.
type expression struct {
	names               map[string]string
	values              map[string]types.AttributeValue
	conditions          []string
	sets, removes, adds []string
}

// demand writes down the condition. That the row exists is its first clause: without it, an update would create one.
func (e *expression) demand(c leases.Condition) {
	e.conditions = append(e.conditions, "attribute_exists("+e.name("leaseKey")+")")
	if counter, named := c.Counter.Get(); named {
		e.conditions = append(e.conditions, e.name("leaseCounter")+" = "+e.value("was_counter", number(counter)))
	}
	if owner, named := c.Owner.Get(); named {
		e.demandOwner("leaseOwner", owner)
	}
	if owner, named := c.CheckpointOwner.Get(); named {
		e.demandOwner("checkpointOwner", owner)
	}
	if c.Unfinished {
		e.conditions = append(e.conditions, e.name("checkpoint")+" <> "+e.value("shard_end", text("SHARD_END")))
	}
	if c.Ended {
		e.conditions = append(e.conditions, e.name("checkpoint")+" = "+e.value("shard_end", text("SHARD_END")))
	}
	if c.NoStartAt {
		e.conditions = append(e.conditions, "attribute_not_exists("+e.name("startAt")+")")
	}
}

func (e *expression) demandOwner(attribute, owner string) {
	if owner == "" {
		e.conditions = append(e.conditions, "attribute_not_exists("+e.name(attribute)+")")
		return
	}
	e.conditions = append(e.conditions, e.name(attribute)+" = "+e.value("was_"+attribute, text(owner)))
}

// change writes down what becomes of the row.
func (e *expression) change(c leases.Change) {
	if c.NextCounter {
		e.add("leaseCounter")
	}
	if owner, named := c.Owner.Get(); named {
		e.setOwner("leaseOwner", owner)
	}
	if owner, named := c.CheckpointOwner.Get(); named {
		e.setOwner("checkpointOwner", owner)
	}
	if position, named := c.Checkpoint.Get(); named {
		e.set("checkpoint", text(position.Text()))
		e.set("checkpointSubSequenceNumber", number(position.SubSequence()))
		e.set("ownerSwitchesSinceCheckpoint", number(0))
		e.remove("pendingCheckpoint")
		e.remove("pendingCheckpointSubSequenceNumber")
		e.remove("pendingCheckpointState")
	} else if c.CountSwitch {
		e.add("ownerSwitchesSinceCheckpoint")
	}
	if len(c.Children) > 0 {
		e.set("childShardIds", set(c.Children))
	}
	if !c.StartAt.IsZero() {
		e.set("startAt", number(c.StartAt.UnixMilli()))
	}
	if rate, named := c.ThroughputKBps.Get(); named {
		e.set("throughputKBps", decimal(rate))
	}
}

func (e *expression) setOwner(attribute, owner string) {
	if owner == "" {
		e.remove(attribute)
		return
	}
	e.set(attribute, text(owner))
}

func (e *expression) set(attribute string, v types.AttributeValue) {
	e.sets = append(e.sets, e.name(attribute)+" = "+e.value(attribute, v))
}

func (e *expression) remove(attribute string) { e.removes = append(e.removes, e.name(attribute)) }

// add moves a number up by one.
func (e *expression) add(attribute string) {
	e.adds = append(e.adds, e.name(attribute)+" "+e.value("one", number(1)))
}

// name returns the placeholder of an attribute.
func (e *expression) name(attribute string) string {
	e.names["#"+attribute] = attribute
	return "#" + attribute
}

// value binds a value and returns its placeholder.
func (e *expression) value(name string, v types.AttributeValue) string {
	e.values[":"+name] = v
	return ":" + name
}

// update returns the update expression; nil: the row is read under the condition and stays as it is.
func (e *expression) update() *string {
	var clauses []string
	for _, clause := range []struct {
		verb  string
		parts []string
	}{{"SET", e.sets}, {"REMOVE", e.removes}, {"ADD", e.adds}} {
		if len(clause.parts) > 0 {
			clauses = append(clauses, clause.verb+" "+strings.Join(clause.parts, ", "))
		}
	}
	if len(clauses) == 0 {
		return nil
	}
	return aws.String(strings.Join(clauses, " "))
}

// bound returns the values; nil where there are none, as the service refuses an empty map.
func (e *expression) bound() map[string]types.AttributeValue {
	if len(e.values) == 0 {
		return nil
	}
	return e.values
}
