package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The KCL writes down in rows of its own by which version's rules an application works, and whether it is moving from three tables to
// one. Workers that go by different rules read shards twice, so anything but the last state of both is refused.
const (
	versionRow     = "Migration3.0"
	version3       = "CLIENT_VERSION_3X"
	tablesRow      = "TableMigration3.5"
	tablesMerged   = "TABLE_MIGRATION_STATUS_COMPLETE"
	leaderRow      = "Leader"
	legacySuffix   = "-CoordinatorState"
	modifiedBy     = "penstock"
	kindVersion    = "CLIENT_VERSION_MIGRATION"
	kindWorker     = "WORKER_METRIC_STATS"
	entityType     = "entityType"
	firstLookLimit = 25 // rows in which a lease is looked for at once; few rows are others
)

// Check reads the rows by which Java workers say how they work.
func (s *Store) Check(ctx context.Context) error {
	if err := s.checkTables(ctx); err != nil {
		return err
	}
	version, there, err := s.stateOf(ctx, s.table, "leaseKey", versionRow, "cv")
	switch {
	case err != nil:
		return err
	case !there:
		return &VersionError{Table: s.table, Row: versionRow, Remedy: "it has been deleted; stop all workers of the application, and start them again"}
	case version != version3:
		return &VersionError{Table: s.table, Row: versionRow, State: version, Remedy: remedyOld}
	}
	return nil
}

const (
	remedyOld    = "bring the application's Java workers to version 3.x of their library, with no way back to 2.x configured, before Go workers join"
	remedyTables = "let the Java workers finish the move to a single table (migrateAllEntitiesToLeaseTable), or delete the other table if none are left"
	remedyLeases = "the leases are those of a 2.x application, or of one whose Java workers use two more tables: bring them to version 3.5 first; " +
		"if no Java worker uses the table any more, put a row with leaseKey Migration3.0, entityType CLIENT_VERSION_MIGRATION and cv CLIENT_VERSION_3X into it"
)

// checkTables refuses an application whose Java workers keep their leader in another table, where it would not be seen.
func (s *Store) checkTables(ctx context.Context) error {
	status, here, err := s.stateOf(ctx, s.table, "leaseKey", tablesRow, "tm")
	if err != nil || here && status == tablesMerged {
		return err
	}
	if here {
		return &VersionError{Table: s.table, Row: tablesRow, State: status, Remedy: remedyTables}
	}
	legacy := s.application + legacySuffix
	if !tableName.MatchString(legacy) {
		return nil // no table can have that name
	}
	status, _, err = s.stateOf(ctx, legacy, "key", tablesRow, "tm")
	if absent := (*types.ResourceNotFoundException)(nil); errors.As(err, &absent) {
		return nil // the usual case: an application that never had more than one table
	}
	if err != nil || status == tablesMerged {
		return err
	}
	return &VersionError{Table: legacy, Row: tablesRow, State: status, Remedy: remedyTables}
}

// stateOf reads one attribute of a coordination row.
func (s *Store) stateOf(ctx context.Context, table, key, row, attribute string) (state string, there bool, err error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, Key: item{key: text(row)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return "", false, s.failureOn(table, "GetItem", err)
	}
	if len(out.Item) == 0 {
		return "", false, nil
	}
	value, ok := out.Item[attribute].(*types.AttributeValueMemberS)
	if !ok {
		return "", true, nil
	}
	return value.Value, true, nil
}

// settleVersion writes down by which rules a new application works, so that a Java worker that is configured to begin with those of
// 2.x finds that it is too late; and checks what is there.
func (s *Store) settleVersion(ctx context.Context) error {
	_, there, err := s.stateOf(ctx, s.table, "leaseKey", versionRow, "cv")
	if err != nil {
		return err
	}
	if !there {
		if err := s.claimVersion(ctx); err != nil {
			return err
		}
	}
	return s.Check(ctx)
}

// claimVersion creates the row, where no leases are there that were made by other rules.
func (s *Store) claimVersion(ctx context.Context) error {
	if err := s.checkTables(ctx); err != nil {
		return err
	}
	old, err := s.anyLease(ctx)
	if err != nil {
		return err
	}
	if old {
		// Another worker may have written the row, and then leases, between the two reads.
		if _, there, err := s.stateOf(ctx, s.table, "leaseKey", versionRow, "cv"); there || err != nil {
			return err
		}
		return &VersionError{Table: s.table, Row: versionRow, Remedy: remedyLeases}
	}
	_, err = s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
		Item: item{
			"leaseKey": text(versionRow), entityType: text(kindVersion), "cv": text(version3), "mb": text(modifiedBy),
			"mts": number(time.Now().UnixMilli()), "h": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
		},
	})
	if there := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &there) {
		return nil
	}
	return s.failure("PutItem", err)
}

// anyLease reports whether the table has a lease. The first rows tell: others than leases are few.
func (s *Store) anyLease(ctx context.Context) (bool, error) {
	pages := dynamodb.NewScanPaginator(s.api, &dynamodb.ScanInput{
		TableName: &s.table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(firstLookLimit),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, s.failure("Scan", err)
		}
		for _, row := range page.Items {
			if kindOf(row) == kindLease {
				return true, nil
			}
		}
	}
	return false, nil
}

// seconds spells a time as Java workers do.
func seconds(t time.Time) types.AttributeValue { return number(t.Unix()) }

func millis(n string) (time.Duration, bool) {
	ms, err := strconv.ParseInt(n, 10, 64)
	return time.Duration(ms) * time.Millisecond, err == nil && ms > 0
}

// VersionError says that the table belongs to a fleet that goes by other rules, and what to do about it. It is leases.ErrRefused.
type VersionError struct {
	Table  string
	Row    string // the row that says so
	State  string // what it says; empty: it is not there
	Remedy string
}

func (e *VersionError) Error() string {
	state := "is " + e.State
	if e.State == "" {
		state = "is missing"
	}
	return fmt.Sprintf("%v: table %s, row %s %s; %s", errRefused, e.Table, e.Row, state, e.Remedy)
}

// Unwrap returns leases.ErrRefused.
func (e *VersionError) Unwrap() error { return errRefused }
