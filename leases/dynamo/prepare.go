package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/internal/retry"
)

// ownerIndex is the index that answers which leases a worker has, under the name that the KCL gives it.
const ownerIndex = "LeaseOwnerToLeaseKeyIndex"

// polls is how often a table is looked at that is being made. The service needs seconds for a table, and minutes for an index over
// many rows.
var polls = retry.Policy{Initial: 100 * time.Millisecond, Max: 5 * time.Second}

// Prepare creates the table, on demand and with its index, where there is none; adds the index where that is missing; and waits
// until both can be used, for as long as ctx allows. Several workers may do so at once. The errors are *SchemaError,
// *PermissionError, ErrTable, and the service's, wrapped.
func (s *Store) Prepare(ctx context.Context) error {
	schedule := polls.Start(s.jitter)
	for {
		table, err := s.describe(ctx)
		if err != nil {
			return err
		}
		ready, err := s.bringForward(ctx, table)
		if ready || err != nil {
			return err
		}
		if err := schedule.Wait(ctx); err != nil {
			return fmt.Errorf("dynamo: waiting for table %s: %w", s.table, err)
		}
	}
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
func (s *Store) bringForward(ctx context.Context, table *types.TableDescription) (ready bool, err error) {
	if table == nil {
		return false, s.createTable(ctx)
	}
	switch table.TableStatus {
	case types.TableStatusCreating, types.TableStatusDeleting:
		return false, nil
	case types.TableStatusActive, types.TableStatusUpdating, "": // some servers do not say
	case types.TableStatusArchived, types.TableStatusArchiving, types.TableStatusInaccessibleEncryptionCredentials,
		types.TableStatusReplicationNotAuthorized:
		return false, fmt.Errorf("%w: %s is %s; see to that in the DynamoDB console", ErrTable, s.table, table.TableStatus)
	}
	if have, want := keys(table.KeySchema), "leaseKey HASH"; have != want {
		return false, &SchemaError{Table: s.table, Have: have, Want: want}
	}
	return s.bringIndexForward(ctx, table)
}

func (s *Store) bringIndexForward(ctx context.Context, table *types.TableDescription) (ready bool, err error) {
	for _, index := range table.GlobalSecondaryIndexes {
		if aws.ToString(index.IndexName) != ownerIndex {
			continue
		}
		if have, want := keys(index.KeySchema), "leaseOwner HASH, leaseKey RANGE"; have != want {
			return false, &SchemaError{Table: s.table, Index: ownerIndex, Have: have, Want: want}
		}
		return index.IndexStatus != types.IndexStatusCreating && index.IndexStatus != types.IndexStatusDeleting, nil
	}
	if table.TableStatus == types.TableStatusUpdating {
		return false, nil // the service changes one thing at a time
	}
	return false, s.addIndex(ctx, table)
}

// createTable asks for a new table. The KCL adds the index in a second step; to ask for both at once gives the same table sooner,
// and some servers cannot add an index to a table on demand.
func (s *Store) createTable(ctx context.Context) error {
	_, err := s.api.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: &s.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions:   attributes("leaseKey", "leaseOwner"),
		KeySchema:              []types.KeySchemaElement{key("leaseKey", types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{IndexName: aws.String(ownerIndex), KeySchema: indexKeys(), Projection: keysOnly()}},
	})
	return s.changing("CreateTable", err)
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

// keys spells a key schema.
func keys(schema []types.KeySchemaElement) string {
	parts := make([]string, len(schema))
	for i, element := range schema {
		parts[i] = aws.ToString(element.AttributeName) + " " + string(element.KeyType)
	}
	return strings.Join(parts, ", ")
}
