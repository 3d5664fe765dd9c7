package dynamo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/leases/dynamo"
)

func describe(t *testing.T, api *dynamodb.Client) *types.TableDescription {
	t.Helper()
	out, err := api.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Table
}

func TestPrepareCreatesTheTableWithItsIndexAndWaitsForBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(20*time.Second))
		prepared(t, api)
		d := describe(t, api)
		if d.TableStatus != types.TableStatusActive || d.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
			t.Errorf("table is %v, %+v", d.TableStatus, d.BillingModeSummary)
		}
		expectIndex(t, d)
	})
}

func expectIndex(t *testing.T, d *types.TableDescription) {
	t.Helper()
	if len(d.GlobalSecondaryIndexes) != 1 {
		t.Fatalf("indexes: %+v", d.GlobalSecondaryIndexes)
	}
	index := d.GlobalSecondaryIndexes[0]
	if *index.IndexName != "LeaseOwnerToLeaseKeyIndex" || index.IndexStatus != types.IndexStatusActive ||
		index.Projection.ProjectionType != types.ProjectionTypeKeysOnly || len(index.KeySchema) != 2 ||
		*index.KeySchema[0].AttributeName != "leaseOwner" || *index.KeySchema[1].AttributeName != "leaseKey" {
		t.Errorf("index: %+v", index)
	}
}

// createTable makes a table as somebody else would have.
func createTable(t *testing.T, api *dynamodb.Client, hash string, provisioned bool) {
	t.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String(hash), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String(hash), KeyType: types.KeyTypeHash}},
	}
	if provisioned {
		in.BillingMode = types.BillingModeProvisioned
		in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(11), WriteCapacityUnits: aws.Int64(12)}
	}
	if _, err := api.CreateTable(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func TestPrepareAddsAMissingIndex(t *testing.T) {
	for name, provisioned := range map[string]bool{"on demand": false, "provisioned": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := server(t, kinesistest.WithTransitionTime(10*time.Second))
				createTable(t, api, "leaseKey", provisioned)
				prepared(t, api)
				d := describe(t, api)
				expectIndex(t, d)
				if provisioned && *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.WriteCapacityUnits != 12 {
					t.Errorf("the index's capacity is %+v", d.GlobalSecondaryIndexes[0].ProvisionedThroughput)
				}
			})
		})
	}
}

func TestSeveralWorkersMayPrepareAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(10*time.Second))
		errs := make(chan error, 5)
		for range cap(errs) {
			store := open(t, api)
			go func() { errs <- store.Prepare(t.Context()) }()
		}
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		expectIndex(t, describe(t, api))
	})
}

func TestATableWithOtherKeysIsRefusedWithTheRemedy(t *testing.T) {
	api := server(t)
	createTable(t, api, "id", false)
	err := open(t, api).Prepare(t.Context())
	var schema *dynamo.SchemaError
	if !errors.As(err, &schema) || !errors.Is(err, dynamo.ErrSchema) || schema.Have != "id HASH" || schema.Want != "leaseKey HASH" ||
		!strings.Contains(err.Error(), "name another table") {
		t.Errorf("Prepare returned %v", err)
	}
}

func TestMissingPermissionIsNamed(t *testing.T) {
	err := open(t, denied{server(t)}).Prepare(t.Context())
	var permission *dynamo.PermissionError
	if !errors.As(err, &permission) || !errors.Is(err, dynamo.ErrDenied) || permission.Action != "dynamodb:CreateTable" ||
		!strings.Contains(err.Error(), "allow dynamodb:CreateTable on table "+table) {
		t.Errorf("Prepare returned %v", err)
	}
}

func TestATableWithTagsTakesOnePermissionMore(t *testing.T) {
	store, err := dynamo.New(dynamo.Config{API: denied{server(t)}, Table: table, Tags: map[string]string{"team": "blue"}})
	if err != nil {
		t.Fatal(err)
	}
	var permission *dynamo.PermissionError
	if err := store.Prepare(t.Context()); !errors.As(err, &permission) || permission.Action != "dynamodb:CreateTable and dynamodb:TagResource" {
		t.Errorf("Prepare returned %v", err)
	}
}

// denied is a server whose policy does not allow new tables.
type denied struct{ *dynamodb.Client }

func (denied) CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
}

func TestPrepareEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := open(t, api).Prepare(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Prepare returned %v", err)
		}
	})
}

func TestEveryFaultOfAConfigurationIsListed(t *testing.T) {
	_, err := dynamo.New(dynamo.Config{Table: "a b", ReadUnits: 5})
	for _, field := range []string{"Config.API", "Config.Table", "Config.ReadUnits"} {
		if !errors.Is(err, dynamo.ErrConfig) || !strings.Contains(err.Error(), field) {
			t.Errorf("New returned %v, without %s", err, field)
		}
	}
}

func TestATableIsMadeAsTheConfigurationSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(20*time.Second))
		var steps []dynamo.Step
		store, err := dynamo.New(dynamo.Config{
			API: api, Table: table, ReadUnits: 7, WriteUnits: 9, Tags: map[string]string{"team": "blue"}, DeletionProtection: true, PointInTimeRecovery: true,
			Progress: func(p dynamo.Progress) {
				if len(steps) == 0 || steps[len(steps)-1] != p.Step {
					steps = append(steps, p.Step)
				}
				if p.Table != table || p.Waited < 0 {
					t.Errorf("progress: %+v", p)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		d := describe(t, api)
		for _, units := range []*types.ProvisionedThroughputDescription{d.ProvisionedThroughput, d.GlobalSecondaryIndexes[0].ProvisionedThroughput} {
			if *units.ReadCapacityUnits != 7 || *units.WriteCapacityUnits != 9 {
				t.Errorf("capacity: %d, %d", *units.ReadCapacityUnits, *units.WriteCapacityUnits)
			}
		}
		if !aws.ToBool(d.DeletionProtectionEnabled) {
			t.Error("the table is not protected")
		}
		tags, err := api.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: d.TableArn})
		if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "team" || *tags.Tags[0].Value != "blue" {
			t.Errorf("tags: %+v, %v", tags, err)
		}
		backups, err := api.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(table)})
		if err != nil || backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
			t.Errorf("continuous backups: %+v, %v", backups, err)
		}
		if !slices.Equal(steps, []dynamo.Step{dynamo.CreatingTable, dynamo.TableReady}) {
			t.Errorf("steps: %q", steps)
		}
	})
}

func TestTheMakingOfAnIndexIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := server(t, kinesistest.WithTransitionTime(20*time.Second))
		createTable(t, api, "leaseKey", false)
		var steps []dynamo.Step
		store, err := dynamo.New(dynamo.Config{API: api, Table: table, Progress: func(p dynamo.Progress) { steps = append(steps, p.Step) }})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := slices.Compact(steps); !slices.Equal(got, []dynamo.Step{dynamo.CreatingTable, dynamo.AddingIndex, dynamo.FillingIndex, dynamo.TableReady}) {
			t.Errorf("steps: %q", got)
		}
	})
}

// faulty returns a server on which calls of an operation fail so many times.
func faulty(t *testing.T, operation string, times int, how kinesistest.Effect) *dynamodb.Client {
	t.Helper()
	srv := kinesistest.New()
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	srv.Inject(kinesistest.Fault{Service: kinesistest.DynamoDB, Operation: operation, Count: times, Do: how})
	return srv.DynamoDB()
}

func TestRecoveryIsTurnedOnAsSoonAsANewTableAllowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := faulty(t, "UpdateContinuousBackups", 20, kinesistest.Fail(400, "ContinuousBackupsUnavailableException", "Backups are being enabled"))
		var steps []dynamo.Step
		store, err := dynamo.New(dynamo.Config{
			API: api, Table: table, PointInTimeRecovery: true, Progress: func(p dynamo.Progress) { steps = append(steps, p.Step) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		backups, err := api.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(table)})
		if err != nil || backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
			t.Errorf("continuous backups: %+v, %v", backups, err)
		}
		if got := slices.Compact(steps); !slices.Equal(got, []dynamo.Step{dynamo.CreatingTable, dynamo.EnablingBackups, dynamo.TableReady}) {
			t.Errorf("steps: %q", got)
		}
	})
}

func TestPrepareOutlastsAFewThrottles(t *testing.T) {
	// The client makes three attempts of each call before it fails.
	for _, operation := range []string{"DescribeTable", "CreateTable", "GetItem", "Scan", "PutItem"} {
		t.Run(operation, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := open(t, faulty(t, operation, 10, kinesistest.Throttle())).Prepare(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestPrepareFailsWhereNothingButFailuresCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := open(t, faulty(t, "GetItem", 1000, kinesistest.Fail(500, "InternalServerError", "no"))).Prepare(t.Context())
		if took := time.Since(began); err == nil || took < time.Second || took > time.Minute {
			t.Errorf("Prepare returned %v after %v", err, took)
		}
	})
}

func TestATableWhoseKeyIsNoStringIsRefused(t *testing.T) {
	api := server(t)
	_, err := api.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("leaseKey"), AttributeType: types.ScalarAttributeTypeN}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("leaseKey"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, api).Prepare(t.Context()); !errors.Is(err, dynamo.ErrSchema) || !strings.Contains(err.Error(), "of type N") {
		t.Errorf("Prepare returned %v", err)
	}
}
