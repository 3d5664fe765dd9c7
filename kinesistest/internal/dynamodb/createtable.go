package dynamodb

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

type createTableInput struct {
	TableName                 string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	BillingMode               string
	ProvisionedThroughput     *throughput
	GlobalSecondaryIndexes    []indexInput
	LocalSecondaryIndexes     []indexInput
	DeletionProtectionEnabled bool
	Tags                      []tag
}

// indexInput is an index as CreateTable and UpdateTable take it.
type indexInput struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projectionShape
	ProvisionedThroughput *throughput
}

// createTable makes an empty table.
func (db *DB) createTable(in *createTableInput) (*tableOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	now := time.Now()
	t := &table{
		name: in.TableName, id: newID(), arn: db.arn(in.TableName), created: now,
		onDemand: in.BillingMode == "PAY_PER_REQUEST", protected: in.DeletionProtectionEnabled,
		readyAt: now.Add(db.opts.Transition), observe: db.opts.Observe,
		limits: &db.limits, rows: replicated{lag: db.opts.ReadLag}, expiry: expiry{delay: db.opts.ExpiryDelay},
	}
	var err error
	if t.tags, err = mergedTags(nil, in.Tags); err != nil {
		return nil, err
	}
	if err := t.shape(in, now); err != nil {
		return nil, err
	}
	if !db.add(t) {
		return nil, inUse("Table already exists: %s", t.name)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := t.describe(now)
	d.TableStatus = "CREATING"
	for i := range d.GlobalSecondaryIndexes {
		d.GlobalSecondaryIndexes[i].IndexStatus = "CREATING"
	}
	return &tableOutput{TableDescription: d}, nil
}

func (in *createTableInput) check() error {
	var v violations
	v.name(in.TableName, "tableName")
	v.enum(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
	if in.KeySchema == nil {
		v.add("null", "keySchema", "Member must not be null")
	}
	if in.AttributeDefinitions == nil {
		v.add("null", "attributeDefinitions", "Member must not be null")
	}
	if err := v.err(); err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(in.TableName, "arn:"):
		return invalid("A table is created by its name, not by an ARN")
	case in.LocalSecondaryIndexes != nil:
		return invalid("LocalSecondaryIndexes are not supported here")
	case in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0:
		return invalidValue("List of GlobalSecondaryIndexes is empty")
	case len(in.GlobalSecondaryIndexes) > maxIndexes:
		return invalidValue("GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	return nil
}

// shape gives a new table its schema, throughput and indexes.
func (t *table) shape(in *createTableInput, now time.Time) (err error) {
	definitions, err := parseDefinitions(in.AttributeDefinitions)
	if err != nil {
		return err
	}
	if t.schema, err = parseSchema(in.KeySchema, definitions); err != nil {
		return err
	}
	if t.throughput, err = parseThroughput(in.ProvisionedThroughput, t.onDemand, ""); err != nil {
		return err
	}
	if t.onDemand {
		t.onDemandAt = now
	}
	for _, wanted := range in.GlobalSecondaryIndexes {
		x, err := t.newIndex(wanted, definitions)
		if err != nil {
			return err
		}
		t.indexes = append(t.indexes, x)
	}
	return t.checkDefinitions(definitions)
}

// checkDefinitions refuses definitions of attributes that are no keys.
func (t *table) checkDefinitions(definitions map[string]attribute.Kind) error {
	used := t.definitions()
	if len(used) == len(definitions) {
		return nil
	}
	if len(t.indexes) == 0 {
		return invalidValue("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	keys := make([]string, len(used))
	for i, d := range used {
		keys[i] = d.AttributeName
	}
	return invalidValue("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(sortedKeys(definitions), ", "), strings.Join(keys, ", "))
}

func parseDefinitions(given []attributeDefinition) (map[string]attribute.Kind, error) {
	definitions := make(map[string]attribute.Kind, len(given))
	for i, d := range given {
		kind := attribute.Kind(d.AttributeType)
		var v violations
		if !kind.Scalar() {
			v.add(quoted(d.AttributeType), fmt.Sprintf("attributeDefinitions.%d.member.attributeType", i+1),
				"Member must satisfy enum value set: [B, N, S]")
		}
		if d.AttributeName == "" {
			v.add(quoted(""), fmt.Sprintf("attributeDefinitions.%d.member.attributeName", i+1),
				"Member must have length greater than or equal to 1")
		}
		if err := v.err(); err != nil {
			return nil, err
		}
		if _, twice := definitions[d.AttributeName]; twice {
			return nil, invalidValue("Cannot add duplicated attribute definition: %s", d.AttributeName)
		}
		definitions[d.AttributeName] = kind
	}
	return definitions, nil
}

func parseSchema(elements []keyElement, definitions map[string]attribute.Kind) (schema, error) {
	var keys []keyAttribute
	for _, e := range elements {
		kind, defined := definitions[e.AttributeName]
		if !defined {
			return schema{}, invalidValue("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], "+
				"AttributeDefinitions: [%s]", e.AttributeName, strings.Join(sortedKeys(definitions), ", "))
		}
		keys = append(keys, keyAttribute{e.AttributeName, kind})
	}
	switch {
	case len(keys) < 1 || len(keys) > 2:
		return schema{}, invalid("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: " +
			"Member must have length between 1 and 2")
	case elements[0].KeyType != "HASH":
		return schema{}, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case len(keys) == 1:
		return schema{partition: keys[0]}, nil
	case elements[1].KeyType != "RANGE":
		return schema{}, invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case keys[0].name == keys[1].name:
		return schema{}, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	return schema{keys[0], keys[1]}, nil
}

// parseThroughput checks the capacity of a table or, if indexName is given, of an index.
func parseThroughput(given *throughput, onDemand bool, indexName string) (throughput, error) {
	switch {
	case given == nil && onDemand:
		return throughput{}, nil
	case given == nil && indexName != "":
		return throughput{}, invalidValue("ProvisionedThroughput must be specified for index: %s", indexName)
	case given == nil:
		return throughput{}, invalidValue("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	case onDemand && indexName != "":
		return throughput{}, invalidValue("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST",
			indexName)
	case onDemand:
		return throughput{}, invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	}
	var v violations
	if given.ReadCapacityUnits < 1 {
		v.add(quoted(fmt.Sprint(given.ReadCapacityUnits)), "provisionedThroughput.readCapacityUnits",
			"Member must have value greater than or equal to 1")
	}
	if given.WriteCapacityUnits < 1 {
		v.add(quoted(fmt.Sprint(given.WriteCapacityUnits)), "provisionedThroughput.writeCapacityUnits",
			"Member must have value greater than or equal to 1")
	}
	return *given, v.err()
}

// newIndex checks and makes an empty index, ready as soon as the table is.
func (t *table) newIndex(in indexInput, definitions map[string]attribute.Kind) (*index, error) {
	var v violations
	v.name(in.IndexName, "indexName")
	v.enum(in.Projection.ProjectionType, "projection.projectionType", "ALL", "KEYS_ONLY", "INCLUDE")
	if err := v.err(); err != nil {
		return nil, err
	}
	kind := in.Projection.ProjectionType
	extra := in.Projection.NonKeyAttributes
	switch {
	case kind == "":
		return nil, invalidValue("Unknown ProjectionType: null")
	case kind != "INCLUDE" && extra != nil:
		return nil, invalidValue("ProjectionType is %s, but NonKeyAttributes is specified", kind)
	case kind == "INCLUDE" && len(extra) == 0:
		return nil, invalidValue("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	case slices.ContainsFunc(t.indexes, func(x *index) bool { return x.name == in.IndexName }):
		return nil, invalidValue("Duplicate index name: %s", in.IndexName)
	}
	schema, err := parseSchema(in.KeySchema, definitions)
	if err != nil {
		return nil, err
	}
	provisioned, err := parseThroughput(in.ProvisionedThroughput, t.onDemand, in.IndexName)
	if err != nil {
		return nil, err
	}
	return &index{
		name: in.IndexName, schema: schema, projection: projection{kind, extra}, throughput: provisioned, readyAt: t.readyAt,
		rows: replicated{lag: t.rows.lag},
	}, nil
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
