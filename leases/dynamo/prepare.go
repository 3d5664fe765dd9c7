package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"github.com/penstock-go/penstock/internal/retry"
)

// ownerIndex is the index that answers which leases a worker has, under the name that the KCL gives it.
const ownerIndex = "LeaseOwnerToLeaseKeyIndex"

// polls is how often a table is looked at that is being made. The service needs seconds for a table, and minutes for an index over
// many rows.
var polls = retry.Policy{Initial: 100 * time.Millisecond, Max: 5 * time.Second}

// patience is how often in a row a step may fail, for a reason that passes by itself, before Prepare does.
const patience = 5

// Prepare creates the table with its index where there is none; adds the index where that is missing; waits until both can be used,
// for as long as ctx allows; and sees to it that nobody uses the table who goes by other rules. Several workers may do so at once. What
// fails for a reason that passes by itself is tried again a few times. The errors are *SchemaError, *PermissionError, *VersionError,
// ErrTable, and the service's, wrapped.
func (s *Store) Prepare(ctx context.Context) error {
	p := preparation{Store: s, since: time.Now()}
	if err := p.poll(ctx, p.lookAtTable); err != nil {
		return err
	}
	if s.cfg.PointInTimeRecovery {
		if err := p.poll(ctx, p.turnRecoveryOn); err != nil {
			return err
		}
	}
	if err := p.poll(ctx, func(ctx context.Context) (bool, error) { return true, s.settleVersion(ctx) }); err != nil {
		return err
	}
	p.tell(TableReady)
	return nil
}

// preparation is one run of Prepare.
type preparation struct {
	*Store
	since time.Time
	rows  int64
	step  Step
}

// poll takes a step until there is nothing left of it to do.
func (p *preparation) poll(ctx context.Context, step func(context.Context) (done bool, err error)) error {
	schedule := polls.Start(p.jitter)
	for failed := 0; ; {
		done, err := step(ctx)
		switch {
		case err != nil:
			if failed++; failed == patience || !passes(err) {
				return err
			}
			p.cfg.Logger.Warn("preparing the lease table failed; trying again", zap.String("table", p.table), zap.Error(err))
		case done:
			return nil
		default:
			failed = 0
		}
		if err := schedule.Wait(ctx); err != nil {
			return fmt.Errorf("dynamo: waiting for table %s (%s): %w", p.table, p.step, err)
		}
	}
}

// passes reports whether a failure may pass by itself. What is wrong with the table does not.
func passes(err error) bool {
	return !errors.Is(err, ErrSchema) && !errors.Is(err, ErrTable) && !errors.Is(err, errRefused) && !retry.Classify(err).Permanent()
}

// lookAtTable takes the next step towards a table and an index that can be used.
func (p *preparation) lookAtTable(ctx context.Context) (ready bool, err error) {
	table, err := p.describe(ctx)
	if err != nil {
		return false, err
	}
	if table != nil {
		p.rows = aws.ToInt64(table.ItemCount)
	}
	return p.bringForward(ctx, table)
}

// tell says where the preparation stands.
func (p *preparation) tell(step Step) {
	if step != p.step {
		p.cfg.Logger.Info("lease table: "+string(step), zap.String("table", p.table), zap.Int64("rows", p.rows))
	}
	p.step = step
	p.cfg.Progress(Progress{Table: p.table, Step: step, Waited: time.Since(p.since), Rows: p.rows})
}

// describe returns the table, or nil where there is none.
func (s *Store) describe(ctx context.Context) (*types.TableDescription, error) {
	out, err := s.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.table})
	if absent := (*types.ResourceNotFoundException)(nil); errors.As(err, &absent) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failure("DescribeTable", err)
	}
	return out.Table, nil
}

// bringForward takes the next step towards a usable table; true: there is none left.
func (p *preparation) bringForward(ctx context.Context, table *types.TableDescription) (ready bool, err error) {
	if table == nil {
		p.tell(CreatingTable)
		return false, p.createTable(ctx)
	}
	switch table.TableStatus {
	case types.TableStatusCreating, types.TableStatusDeleting:
		p.tell(CreatingTable)
		return false, nil
	case types.TableStatusActive, types.TableStatusUpdating, "": // some servers do not say
	case types.TableStatusArchived, types.TableStatusArchiving, types.TableStatusInaccessibleEncryptionCredentials,
		types.TableStatusReplicationNotAuthorized:
		return false, fmt.Errorf("%w: %s is %s; see to that in the DynamoDB console", ErrTable, p.table, table.TableStatus)
	}
	if have, want := keys(table), "leaseKey HASH"; have != want {
		return false, &SchemaError{Table: p.table, Have: have, Want: want}
	}
	return p.bringIndexForward(ctx, table)
}

func (p *preparation) bringIndexForward(ctx context.Context, table *types.TableDescription) (ready bool, err error) {
	for _, index := range table.GlobalSecondaryIndexes {
		if aws.ToString(index.IndexName) != ownerIndex {
			continue
		}
		if have, want := spell(index.KeySchema), "leaseOwner HASH, leaseKey RANGE"; have != want {
			return false, &SchemaError{Table: p.table, Index: ownerIndex, Have: have, Want: want}
		}
		if index.IndexStatus == types.IndexStatusCreating || index.IndexStatus == types.IndexStatusDeleting {
			p.tell(FillingIndex)
			return false, nil
		}
		return true, nil
	}
	p.tell(AddingIndex)
	if table.TableStatus == types.TableStatusUpdating {
		return false, nil // the service changes one thing at a time
	}
	return false, p.addIndex(ctx, table)
}

// createTable asks for a new table. The KCL adds the index in a second step; to ask for both at once gives the same table sooner,
// and some servers cannot add an index to a table on demand.
func (s *Store) createTable(ctx context.Context) error {
	in := &dynamodb.CreateTableInput{
		TableName: &s.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions:   attributes("leaseKey", "leaseOwner"),
		KeySchema:              []types.KeySchemaElement{key("leaseKey", types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String(ownerIndex), KeySchema: indexKeys(), Projection: keysOnly()}},
	}
	if s.cfg.ReadUnits > 0 {
		units := &types.ProvisionedThroughput{ReadCapacityUnits: &s.cfg.ReadUnits, WriteCapacityUnits: &s.cfg.WriteUnits}
		in.BillingMode, in.ProvisionedThroughput = types.BillingModeProvisioned, units
		in.GlobalSecondaryIndexes[0].ProvisionedThroughput = units
	}
	if s.cfg.DeletionProtection {
		in.DeletionProtectionEnabled = aws.Bool(true)
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: aws.String(name), Value: aws.String(s.cfg.Tags[name])})
	}
	_, err := s.api.CreateTable(ctx, in)
	err = s.changing("CreateTable", err)
	if denied := (*PermissionError)(nil); errors.As(err, &denied) && len(in.Tags) > 0 {
		denied.Action += " and dynamodb:TagResource"
	}
	return err
}

// turnRecoveryOn asks for point-in-time recovery, which is no change where it is on. On a table that was made just now the service may still be
// enabling the continuous backups that it takes.
func (p *preparation) turnRecoveryOn(ctx context.Context) (done bool, err error) {
	_, err = p.api.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: &p.table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	if early := (*types.ContinuousBackupsUnavailableException)(nil); errors.As(err, &early) {
		p.tell(EnablingBackups)
		return false, nil
	}
	return true, p.failure("UpdateContinuousBackups", err)
}

// addIndex asks for the index, with the table's own capacity where it has a fixed one, as the KCL does.
func (s *Store) addIndex(ctx context.Context, table *types.TableDescription) error {
	_, err := s.api.UpdateTable(ctx, &dynamodb.UpdateTableInput{
		TableName: &s.table, AttributeDefinitions: attributes("leaseKey", "leaseOwner"),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: aws.String(ownerIndex), KeySchema: indexKeys(), Projection: keysOnly(), ProvisionedThroughput: capacity(table),
		}}},
	})
	return s.changing("UpdateTable", err)
}

// changing passes over the errors that mean that the table is in motion already, or that too many are: the next look will tell.
func (s *Store) changing(action string, err error) error {
	if err == nil {
		return nil
	}
	switch retry.Classify(err) {
	case retry.Busy, retry.Throttled, retry.NotFound:
		return nil
	case retry.Transient, retry.Unreachable, retry.Denied, retry.Encryption, retry.Invalid, retry.Expired, retry.Canceled:
	}
	return s.failure(action, err)
}

func capacity(table *types.TableDescription) *types.ProvisionedThroughput {
	if table.BillingModeSummary != nil && table.BillingModeSummary.BillingMode == types.BillingModePayPerRequest {
		return nil
	}
	have := table.ProvisionedThroughput
	if have == nil || aws.ToInt64(have.ReadCapacityUnits) == 0 {
		return nil
	}
	return &types.ProvisionedThroughput{ReadCapacityUnits: have.ReadCapacityUnits, WriteCapacityUnits: have.WriteCapacityUnits}
}

func attributes(names ...string) []types.AttributeDefinition {
	all := make([]types.AttributeDefinition, len(names))
	for i, name := range names {
		all[i] = types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS}
	}
	return all
}

func indexKeys() []types.KeySchemaElement {
	return []types.KeySchemaElement{key("leaseOwner", types.KeyTypeHash), key("leaseKey", types.KeyTypeRange)}
}

func key(name string, kind types.KeyType) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
}

func keysOnly() *types.Projection {
	return &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
}

// keys spells a table's key schema, with the types that are not strings.
func keys(table *types.TableDescription) string {
	text := spell(table.KeySchema)
	for _, a := range table.AttributeDefinitions {
		if name := aws.ToString(a.AttributeName); a.AttributeType != types.ScalarAttributeTypeS && isKey(table.KeySchema, name) {
			text += fmt.Sprintf(" (%s is of type %s)", name, a.AttributeType)
		}
	}
	return text
}

func isKey(schema []types.KeySchemaElement, name string) bool {
	return slices.ContainsFunc(schema, func(k types.KeySchemaElement) bool { return aws.ToString(k.AttributeName) == name })
}

func spell(schema []types.KeySchemaElement) string {
	parts := make([]string, len(schema))
	for i, element := range schema {
		parts[i] = aws.ToString(element.AttributeName) + " " + string(element.KeyType)
	}
	return strings.Join(parts, ", ")
}
