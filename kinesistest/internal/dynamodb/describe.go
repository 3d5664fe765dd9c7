package dynamodb

import (
	"slices"
	"strings"
	"time"
)

// The wire forms of a table's parts, in requests and in descriptions.
type (
	attributeDefinition struct{ AttributeName, AttributeType string }
	keyElement          struct{ AttributeName, KeyType string }
	projectionShape     struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
	tag struct{ Key, Value string }
)

type tableDescription struct {
	AttributeDefinitions      []attributeDefinition
	TableName                 string
	KeySchema                 []keyElement
	TableStatus               string
	CreationDateTime          float64 // seconds
	ProvisionedThroughput     throughputDescription
	TableSizeBytes            int
	ItemCount                 int
	TableArn                  string
	TableID                   string              `json:"TableId"`
	BillingModeSummary        *billingModeSummary `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription  `json:",omitempty"`
	DeletionProtectionEnabled bool
}

type throughputDescription struct {
	NumberOfDecreasesToday                int64
	ReadCapacityUnits, WriteCapacityUnits int64
}

type billingModeSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64 `json:",omitempty"` // seconds
}

type indexDescription struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projectionShape
	IndexStatus           string
	Backfilling           *bool `json:",omitempty"`
	ProvisionedThroughput throughputDescription
	IndexSizeBytes        int
	ItemCount             int
	IndexArn              string
}

// tableOutput is the answer of the operations that describe a table.
type tableOutput struct {
	Table            *tableDescription `json:",omitempty"`
	TableDescription *tableDescription `json:",omitempty"`
}

type tableInput struct{ TableName string }

func (in *tableInput) check() error {
	var v violations
	v.name(in.TableName, "tableName")
	return v.err()
}

// describeTable tells how a table is.
func (db *DB) describeTable(in *tableInput) (*tableOutput, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	t := db.lookup(in.TableName)
	if t == nil {
		return nil, noSuchTable(tableName(in.TableName))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.catchUp(now)
	return &tableOutput{Table: t.describe(now)}, nil
}

// describe returns the table's description; unlike the service's, its counts are exact. The caller holds mu.
func (t *table) describe(now time.Time) *tableDescription {
	d := &tableDescription{
		AttributeDefinitions:      t.definitions(),
		TableName:                 t.name,
		KeySchema:                 t.schema.elements(),
		TableStatus:               t.status(now),
		CreationDateTime:          seconds(t.created),
		ProvisionedThroughput:     t.throughput.describe(),
		TableSizeBytes:            t.rows.bytes,
		ItemCount:                 t.rows.count,
		TableArn:                  t.arn,
		TableID:                   t.id,
		DeletionProtectionEnabled: t.protected,
	}
	if !t.onDemandAt.IsZero() {
		d.BillingModeSummary = &billingModeSummary{"PROVISIONED", seconds(t.onDemandAt)}
	}
	if t.onDemand {
		d.BillingModeSummary.BillingMode = "PAY_PER_REQUEST"
	}
	for _, x := range t.indexes {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x.describe(t.arn, now))
	}
	return d
}

func (x *index) describe(tableARN string, now time.Time) indexDescription {
	d := indexDescription{
		IndexName:             x.name,
		KeySchema:             x.schema.elements(),
		Projection:            projectionShape{x.projection.kind, x.projection.extra},
		ProvisionedThroughput: x.throughput.describe(),
		IndexSizeBytes:        x.rows.bytes,
		ItemCount:             x.rows.count,
		IndexArn:              tableARN + "/index/" + x.name,
	}
	d.IndexStatus, d.Backfilling = x.status(now), x.backfilling(now)
	return d
}

func (p throughput) describe() throughputDescription {
	return throughputDescription{ReadCapacityUnits: p.ReadCapacityUnits, WriteCapacityUnits: p.WriteCapacityUnits}
}

func (s schema) elements() []keyElement {
	elements := []keyElement{{s.partition.name, "HASH"}}
	if s.sort.name != "" {
		elements = append(elements, keyElement{s.sort.name, "RANGE"})
	}
	return elements
}

// definitions returns the types of all key attributes, of the table and of its indexes. The caller holds mu.
func (t *table) definitions() []attributeDefinition {
	keys := t.schema.attributes()
	for _, x := range t.indexes {
		keys = append(keys, x.schema.attributes()...)
	}
	definitions := make([]attributeDefinition, len(keys))
	for i, a := range keys {
		definitions[i] = attributeDefinition{a.name, string(a.kind)}
	}
	slices.SortFunc(definitions, func(a, b attributeDefinition) int { return strings.Compare(a.AttributeName, b.AttributeName) })
	return slices.Compact(definitions)
}

// seconds returns a timestamp as the JSON protocol writes it.
func seconds(t time.Time) float64 {
	return float64(t.UnixMilli()) / 1000
}

type listTablesInput struct {
	ExclusiveStartTableName *string
	Limit                   *int
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

const maxListedTables = 100

// listTables lists table names in order, at most a hundred at a time.
func (db *DB) listTables(in *listTablesInput) (*listTablesOutput, error) {
	var v violations
	v.optionalName(in.ExclusiveStartTableName, "exclusiveStartTableName")
	v.atLeast(in.Limit, "limit", 1)
	v.atMost(in.Limit, "limit", maxListedTables)
	if err := v.err(); err != nil {
		return nil, err
	}
	names, limit := db.names(), maxListedTables
	if in.Limit != nil {
		limit = *in.Limit
	}
	if start := in.ExclusiveStartTableName; start != nil {
		at, found := slices.BinarySearch(names, *start)
		if found {
			at++
		}
		names = names[at:]
	}
	out := &listTablesOutput{TableNames: append([]string{}, names[:min(limit, len(names))]...)}
	if len(names) > limit {
		out.LastEvaluatedTableName = names[limit-1]
	}
	return out, nil
}
