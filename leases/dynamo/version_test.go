package dynamo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
)

func TestANewApplicationSaysThatItWorksByTheRulesOfVersion3(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	row := get(t, api, "Migration3.0")
	stamp, ok := row["mts"].(*types.AttributeValueMemberN)
	if !ok || len(stamp.Value) < 12 {
		t.Errorf("mts is %+v", row["mts"])
	}
	delete(row, "mts")
	expectRow(t, row, map[string]types.AttributeValue{
		"leaseKey": text("Migration3.0"), "entityType": text("CLIENT_VERSION_MIGRATION"), "cv": text("CLIENT_VERSION_3X"), "mb": text("penstock"),
		"h": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
	})
	if err := store.Check(t.Context()); err != nil {
		t.Errorf("Check: %v", err)
	}
	before := get(t, api, "Migration3.0")
	prepared(t, api)
	expectRow(t, get(t, api, "Migration3.0"), before)
}

// expectRefusal fails the test unless both Prepare and Check refuse the table, naming a row and a remedy.
func expectRefusal(t *testing.T, store *dynamo.Store, row string, words ...string) {
	t.Helper()
	for name, err := range map[string]error{"Prepare": store.Prepare(t.Context()), "Check": store.Check(t.Context())} {
		var refusal *dynamo.VersionError
		if !errors.Is(err, leases.ErrRefused) || !errors.As(err, &refusal) || refusal.Row != row {
			t.Errorf("%s returned %v", name, err)
			continue
		}
		for _, word := range words {
			if name == "Prepare" && !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
	}
}

func TestEveryOtherStateOfTheJavaWorkersIsRefused(t *testing.T) {
	for _, state := range []string{"CLIENT_VERSION_UPGRADE_FROM_2X", "CLIENT_VERSION_2X", "CLIENT_VERSION_3X_WITH_ROLLBACK", "something new"} {
		t.Run(state, func(t *testing.T) {
			api := server(t)
			store := prepared(t, api)
			put(t, api, map[string]types.AttributeValue{"leaseKey": text("Migration3.0"), "cv": text(state)})
			expectRefusal(t, store, "Migration3.0", state, "3.x")
		})
	}
	t.Run("no version in the row", func(t *testing.T) {
		api := server(t)
		store := prepared(t, api)
		put(t, api, map[string]types.AttributeValue{"leaseKey": text("Migration3.0"), "cv": number("3")})
		expectRefusal(t, store, "Migration3.0")
	})
}

// The KCL 2.x, and 3.0 to 3.4, left leases in the table and no version.
func TestTheTableOfA2xApplicationIsRefused(t *testing.T) {
	api := server(t)
	createTable(t, api, "leaseKey", false)
	put(t, api, map[string]types.AttributeValue{
		"leaseKey": text("shardId-000000000000"), "leaseCounter": number("88"), "checkpoint": text("TRIM_HORIZON"), "leaseOwner": text("java"),
	})
	expectRefusal(t, open(t, api), "Migration3.0", "2.x", "3.5", "leaseKey Migration3.0")
	if row := get(t, api, "Migration3.0"); row != nil {
		t.Errorf("the version was claimed all the same: %v", row)
	}
}

func TestAnUnfinishedMoveToASingleTableIsRefused(t *testing.T) {
	legacy := func(t *testing.T, api *dynamodb.Client) {
		t.Helper()
		_, err := api.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: aws.String("the-application-CoordinatorState"), BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named := func(t *testing.T, api *dynamodb.Client) *dynamo.Store {
		t.Helper()
		store, err := dynamo.New(dynamo.Config{API: api, Table: table, Application: "the-application"})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	t.Run("not begun", func(t *testing.T) {
		api := server(t)
		legacy(t, api)
		expectRefusal(t, named(t, api), "TableMigration3.5", "the-application-CoordinatorState", "migrateAllEntitiesToLeaseTable")
	})
	t.Run("pending", func(t *testing.T) {
		api := server(t)
		legacy(t, api)
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("the-application-CoordinatorState"),
			Item:      map[string]types.AttributeValue{"key": text("TableMigration3.5"), "tm": text("TABLE_MIGRATION_STATUS_PENDING")},
		})
		if err != nil {
			t.Fatal(err)
		}
		expectRefusal(t, named(t, api), "TableMigration3.5", "TABLE_MIGRATION_STATUS_PENDING")
	})
	t.Run("complete", func(t *testing.T) {
		api := server(t)
		store := named(t, api)
		if err := store.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		legacy(t, api)
		put(t, api, map[string]types.AttributeValue{
			"leaseKey": text("TableMigration3.5"), "entityType": text("TABLE_MIGRATION"), "tm": text("TABLE_MIGRATION_STATUS_COMPLETE"),
		})
		if err := store.Check(t.Context()); err != nil {
			t.Errorf("Check: %v", err)
		}
	})
}

func TestNoPermissionOnTheOtherTableIsNamed(t *testing.T) {
	api := server(t)
	prepared(t, api)
	err := open(t, blind{api}).Check(t.Context())
	var denied *dynamo.PermissionError
	if !errors.As(err, &denied) || denied.Table != table+"-CoordinatorState" || denied.Action != "dynamodb:GetItem" {
		t.Errorf("Check returned %v", err)
	}
	if errors.Is(err, leases.ErrRefused) {
		t.Errorf("%v says that the table must not be used, which nobody knows", err)
	}
}

// blind may read the lease table alone.
type blind struct{ *dynamodb.Client }

func (b blind) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if *in.TableName != table {
		return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	}
	return b.Client.GetItem(ctx, in, opts...)
}
