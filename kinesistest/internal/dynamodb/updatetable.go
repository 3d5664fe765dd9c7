package dynamodb

import (
	"maps"
	"slices"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

type updateTableInput struct {
	TableName                   string
	AttributeDefinitions        []attributeDefinition
	BillingMode                 string
	ProvisionedThroughput       *throughput
	GlobalSecondaryIndexUpdates []indexUpdate
	DeletionProtectionEnabled   *bool
}

// indexUpdate is one of three changes to the indexes.
type indexUpdate struct {
	Create *indexInput
	Update *struct {
		IndexName             string
		ProvisionedThroughput *throughput
	}
	Delete *struct{ IndexName string }
}

// updateTable changes the billing mode, the throughput, the deletion protection or the indexes of a table.
func (db *DB) updateTable(in *updateTableInput) (*tableOutput, error) {
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
	if err := t.changeable(now); err != nil {
		return nil, err
	}
	change := tableChange{t: t, now: now, until: now.Add(db.opts.Transition), backfill: db.opts.Backfill}
	if err := change.apply(in); err != nil {
		return nil, err
	}
	return &tableOutput{TableDescription: change.describe()}, nil
}

func (in *updateTableInput) check() error {
	var v violations
	v.name(in.TableName, "tableName")
	v.enum(in.BillingMode, "billingMode", "PROVISIONED", "PAY_PER_REQUEST")
	if err := v.err(); err != nil {
		return err
	}
	if in.BillingMode == "" && in.ProvisionedThroughput == nil && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		in.DeletionProtectionEnabled == nil {
		return invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates " +
			"or SSESpecification or ReplicaUpdates is required")
	}
	return in.checkIndexUpdates()
}

// checkIndexUpdates allows one index to come or go at a time, as the service does.
func (in *updateTableInput) checkIndexUpdates() error {
	comeOrGo := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create == nil && u.Update == nil && u.Delete == nil {
			return invalidValue("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, " +
				"GlobalSecondaryIndexUpdate.Delete must not be null")
		}
		if u.Update == nil {
			comeOrGo++
		}
	}
	if comeOrGo > 1 {
		return refusal("LimitExceededException",
			"Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	return nil
}

// changeable refuses changes while another is under way. The caller holds mu.
func (t *table) changeable(now time.Time) error {
	const busy = "Attempt to change a resource which is still in use: "
	switch t.status(now) {
	case "CREATING":
		return inUse(busy+"Table is being created: %s", t.name)
	case "UPDATING":
		return inUse(busy+"Table is being updated: %s", t.name)
	case "DELETING":
		return inUse(busy+"Table is being deleted: %s", t.name)
	default:
		return nil
	}
}

// tableChange is one UpdateTable at work. Whoever has one holds the table's lock. It collects what it will do before it
// does anything, so that a refused request changes nothing.
type tableChange struct {
	t          *table
	now, until time.Time
	backfill   time.Duration
	commit     []func()
	updating   bool   // whether the table passes through UPDATING
	touched    string // index that is created or deleted
}

func (c *tableChange) apply(in *updateTableInput) error {
	for _, step := range []func(*updateTableInput) error{c.billing, c.throughput, c.protection, c.indexes} {
		if err := step(in); err != nil {
			return err
		}
	}
	for _, commit := range c.commit {
		commit()
	}
	if c.updating {
		c.t.settledAt = c.until
	}
	return nil
}

// describe tells how the table is at the start of the change, however short it will be.
func (c *tableChange) describe() *tableDescription {
	d := c.t.describe(c.now)
	if c.updating || c.touched != "" {
		d.TableStatus = "UPDATING"
	}
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		if x.IndexName == c.touched && x.IndexStatus == "ACTIVE" {
			x.IndexStatus, x.Backfilling = "CREATING", new(bool)
		}
	}
	return d
}

// onDemand returns the billing mode after the change.
func (c *tableChange) onDemand(in *updateTableInput) bool {
	if in.BillingMode == "" {
		return c.t.onDemand
	}
	return in.BillingMode == "PAY_PER_REQUEST"
}

func (c *tableChange) billing(in *updateTableInput) error {
	t, onDemand := c.t, c.onDemand(in)
	if onDemand == t.onDemand {
		return nil
	}
	if !onDemand && in.ProvisionedThroughput == nil {
		return invalidValue("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	if !onDemand {
		if err := c.indexesProvisioned(in); err != nil {
			return err
		}
	}
	c.updating = true
	c.commit = append(c.commit, func() {
		t.onDemand = onDemand
		if !onDemand {
			return
		}
		t.onDemandAt, t.throughput = c.now, throughput{}
		for _, x := range t.indexes {
			x.throughput = throughput{}
		}
	})
	return nil
}

// indexesProvisioned demands that a change to provisioned capacity says how much each index gets.
func (c *tableChange) indexesProvisioned(in *updateTableInput) error {
	for _, x := range c.t.indexes {
		if !slices.ContainsFunc(in.GlobalSecondaryIndexUpdates, func(u indexUpdate) bool {
			return u.Update != nil && u.Update.IndexName == x.name
		}) {
			return invalidValue("ProvisionedThroughput must be specified for index: %s", x.name)
		}
	}
	return nil
}

func (c *tableChange) throughput(in *updateTableInput) error {
	if in.ProvisionedThroughput == nil {
		return nil
	}
	wanted, err := parseThroughput(in.ProvisionedThroughput, c.onDemand(in), "")
	if err != nil {
		return err
	}
	return c.provision(&c.t.throughput, wanted)
}

// provision changes a throughput; the service refuses a change to what it is already.
func (c *tableChange) provision(now *throughput, wanted throughput) error {
	if *now == wanted {
		return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. "+
			"Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. "+
			"Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. "+
			"Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			now.ReadCapacityUnits, wanted.ReadCapacityUnits, now.WriteCapacityUnits, wanted.WriteCapacityUnits)
	}
	c.updating = true
	c.commit = append(c.commit, func() { *now = wanted })
	return nil
}

func (c *tableChange) protection(in *updateTableInput) error {
	if in.DeletionProtectionEnabled != nil {
		c.commit = append(c.commit, func() { c.t.protected = *in.DeletionProtectionEnabled })
	}
	return nil
}

func (c *tableChange) indexes(in *updateTableInput) error {
	for _, u := range in.GlobalSecondaryIndexUpdates {
		var err error
		switch {
		case u.Create != nil:
			err = c.createIndex(*u.Create, in)
		case u.Delete != nil:
			err = c.deleteIndex(u.Delete.IndexName)
		default:
			err = c.provisionIndex(u.Update.IndexName, u.Update.ProvisionedThroughput, in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// createIndex adds an index and fills it at once, though it answers no query until its time has come: it is CREATING,
// and the table UPDATING, as long as Options say that getting resources and filling take.
func (c *tableChange) createIndex(wanted indexInput, in *updateTableInput) error {
	t := c.t
	if t.index(wanted.IndexName) != nil {
		return invalidValue("Attempting to create an index which already exists: %s", wanted.IndexName)
	}
	definitions, err := c.definitions(in)
	if err != nil {
		return err
	}
	// A scratch copy, in which the billing mode is what it will be.
	future := &table{onDemand: c.onDemand(in), schema: t.schema, indexes: slices.Clone(t.indexes), rows: replicated{lag: t.rows.lag}}
	x, err := future.newIndex(wanted, definitions)
	if err != nil {
		return err
	}
	future.indexes = append(future.indexes, x)
	if err := future.checkDefinitions(definitions); err != nil {
		return err
	}
	if len(future.indexes) > maxIndexes {
		return refusal("LimitExceededException", "GlobalSecondaryIndex count exceeds the per-table limit of 20")
	}
	c.touched = x.name
	c.commit = append(c.commit, func() {
		x.filledFrom, x.readyAt = c.until, c.until.Add(c.backfill)
		for w := range t.rows.ascending(span{}) {
			if key, item, ok := x.entry(t.schema, w.item); ok {
				x.rows.fill(key, item)
			}
		}
		t.indexes = append(t.indexes, x)
	})
	return nil
}

// definitions returns the table's attribute definitions together with those of the request.
func (c *tableChange) definitions(in *updateTableInput) (map[string]attribute.Kind, error) {
	definitions, err := parseDefinitions(in.AttributeDefinitions)
	if err != nil {
		return nil, err
	}
	for _, d := range c.t.definitions() {
		if kind, given := definitions[d.AttributeName]; given && string(kind) != d.AttributeType {
			return nil, invalidValue("Cannot change the type of the key attribute %s", d.AttributeName)
		}
		definitions[d.AttributeName] = attribute.Kind(d.AttributeType)
	}
	return definitions, nil
}

func (c *tableChange) deleteIndex(name string) error {
	x := c.t.index(name)
	if x == nil {
		return noSuchIndex(c.t.name, name)
	}
	c.touched = name
	c.commit = append(c.commit, func() { x.goneAt = c.until })
	return nil
}

func (c *tableChange) provisionIndex(name string, given *throughput, in *updateTableInput) error {
	x := c.t.index(name)
	if x == nil {
		return noSuchIndex(c.t.name, name)
	}
	wanted, err := parseThroughput(given, c.onDemand(in), name)
	if err != nil {
		return err
	}
	return c.provision(&x.throughput, wanted)
}

func noSuchIndex(table, name string) *Error {
	return refusal("ResourceNotFoundException", "Requested resource not found: Index: %s of table: %s not found", name, table)
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
