package dynamodb

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func describe(t *testing.T, c *sdk.Client, name string) *types.TableDescription {
	t.Helper()
	return must[*sdk.DescribeTableOutput](t)(c.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: &name})).Table
}

func TestCreatedTableIsDescribed(t *testing.T) {
	c := newClient(t, Options{})
	in := &sdk.CreateTableInput{
		TableName:   aws.String("fleet"),
		BillingMode: types.BillingModeProvisioned,
		AttributeDefinitions: []types.AttributeDefinition{
			definition("pk", types.ScalarAttributeTypeS),
			definition("sk", types.ScalarAttributeTypeN),
			definition("owner", types.ScalarAttributeTypeB),
		},
		KeySchema:             keySchema("pk", "sk"),
		ProvisionedThroughput: provisioned(5, 6),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:             aws.String("byOwner"),
			KeySchema:             keySchema("owner"),
			Projection:            &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"state"}},
			ProvisionedThroughput: provisioned(1, 2),
		}},
		DeletionProtectionEnabled: aws.Bool(true),
		Tags:                      []types.Tag{{Key: aws.String("team"), Value: aws.String("dams")}},
	}
	created := must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), in)).TableDescription
	same(t, created.TableStatus, types.TableStatusCreating)
	same(t, created.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusCreating)

	d := describe(t, c, "fleet")
	same(t, d.TableStatus, types.TableStatusActive)
	same(t, d.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusActive)
	same(t, *d.TableArn, "arn:aws:dynamodb:eu-west-1:123456789012:table/fleet")
	same(t, *d.GlobalSecondaryIndexes[0].IndexArn, *d.TableArn+"/index/byOwner")
	same(t, len(*d.TableId), 36)
	same(t, len(d.AttributeDefinitions), 3)
	same(t, len(d.KeySchema), 2)
	same(t, *d.ProvisionedThroughput.WriteCapacityUnits, int64(6))
	same(t, d.GlobalSecondaryIndexes[0].Projection.NonKeyAttributes, []string{"state"})
	same(t, *d.DeletionProtectionEnabled, true)
	if d.BillingModeSummary != nil || time.Since(*d.CreationDateTime) > time.Minute {
		t.Fatalf("billing %v, created %v", d.BillingModeSummary, d.CreationDateTime)
	}
	tags := must[*sdk.ListTagsOfResourceOutput](t)(
		c.ListTagsOfResource(t.Context(), &sdk.ListTagsOfResourceInput{ResourceArn: d.TableArn}))
	same(t, *tags.Tags[0].Value, "dams")
	_, err := c.CreateTable(t.Context(), in)
	refused(t, err, "ResourceInUseException", "Table already exists: fleet")
}

func TestProtectedTableIsNotDeleted(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	protect := func(on bool) {
		must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
			TableName: aws.String("app"), DeletionProtectionEnabled: &on,
		}))
	}
	arn := describe(t, c, "app").TableArn
	protect(true)
	_, err := c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("app")})
	refused(t, err, "ValidationException",
		"Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	protect(false)
	deleted := must[*sdk.DeleteTableOutput](t)(c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: arn}))
	same(t, deleted.TableDescription.TableStatus, types.TableStatusDeleting)

	_, err = c.DescribeTable(t.Context(), &sdk.DescribeTableInput{TableName: aws.String("app")})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found: Table: app not found")
	_, err = c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: aws.String("app")})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found: Table: app not found")
	_, err = c.ListTagsOfResource(t.Context(), &sdk.ListTagsOfResourceInput{ResourceArn: arn})
	refused(t, err, "ResourceNotFoundException", "")
	createTable(t, c, "app")
}

func TestTableIsCreatingForTheTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{AccountID: "1", Region: "r", Transition: time.Minute})
		name, started := aws.String("app"), time.Now()
		createLeaseTable(t, c)
		same(t, describe(t, c, "app").TableStatus, types.TableStatusCreating)
		_, err := c.GetItem(t.Context(), &sdk.GetItemInput{TableName: name, Key: item{"leaseKey": str("x")}})
		refused(t, err, "ResourceNotFoundException", "Requested resource not found")
		_, err = c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: name})
		refused(t, err, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being created: app")
		wait := sdk.NewTableExistsWaiter(c).Wait(t.Context(), &sdk.DescribeTableInput{TableName: name}, time.Hour)
		if waited := time.Since(started); wait != nil || waited < time.Minute || waited > 3*time.Minute {
			t.Fatalf("active after %v, %v", waited, wait)
		}
		put(t, c, "app", item{"leaseKey": str("x")})
	})
}

func TestTableIsDeletingForTheTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{AccountID: "1", Region: "r", Transition: time.Minute})
		name := aws.String("app")
		createLeaseTable(t, c)
		time.Sleep(time.Minute)
		must[*sdk.DeleteTableOutput](t)(c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: name}))
		same(t, describe(t, c, "app").TableStatus, types.TableStatusDeleting)
		_, err := c.PutItem(t.Context(), &sdk.PutItemInput{TableName: name, Item: item{"leaseKey": str("x")}})
		refused(t, err, "ResourceNotFoundException", "Requested resource not found")
		_, err = c.DeleteTable(t.Context(), &sdk.DeleteTableInput{TableName: name})
		refused(t, err, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being deleted: app")
		_, err = c.CreateTable(t.Context(), onDemandTable("app"))
		refused(t, err, "ResourceInUseException", "Table already exists: app")
		err = sdk.NewTableNotExistsWaiter(c).Wait(t.Context(), &sdk.DescribeTableInput{TableName: name}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		same(t, len(must[*sdk.ListTablesOutput](t)(c.ListTables(t.Context(), nil)).TableNames), 0)
		createLeaseTable(t, c)
	})
}

func TestIndexIsCreatingForTheTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{AccountID: "1", Region: "r", Transition: time.Minute, Backfill: time.Hour})
		createLeaseTable(t, c)
		time.Sleep(time.Minute)
		put(t, c, "app", item{"leaseKey": str("s"), "leaseOwner": str("me")})
		addOwnerIndex(t, c)
		d := describe(t, c, "app")
		same(t, d.TableStatus, types.TableStatusUpdating)
		same(t, d.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusCreating)
		same(t, *d.GlobalSecondaryIndexes[0].Backfilling, false)
		time.Sleep(time.Minute)
		d = describe(t, c, "app")
		same(t, d.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusCreating)
		same(t, *d.GlobalSecondaryIndexes[0].Backfilling, true)
		_, err := c.Query(t.Context(), &sdk.QueryInput{
			TableName: aws.String("app"), IndexName: aws.String("LeaseOwnerToLeaseKeyIndex"),
			KeyConditionExpression:    aws.String("leaseOwner = :o"),
			ExpressionAttributeValues: item{":o": str("me")},
		})
		refused(t, err, "ValidationException", "Cannot read from backfilling global secondary index: LeaseOwnerToLeaseKeyIndex")
		put(t, c, "app", item{"leaseKey": str("t"), "leaseOwner": str("me")})
		_, err = c.UpdateTable(t.Context(), &sdk.UpdateTableInput{TableName: aws.String("app"), DeletionProtectionEnabled: aws.Bool(true)})
		refused(t, err, "ResourceInUseException", "Attempt to change a resource which is still in use: Table is being updated: app")

		time.Sleep(time.Hour)
		d = describe(t, c, "app")
		same(t, d.TableStatus, types.TableStatusActive)
		same(t, d.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusActive)
		same(t, d.GlobalSecondaryIndexes[0].Backfilling, (*bool)(nil))
		same(t, *d.GlobalSecondaryIndexes[0].ItemCount, int64(2))
		same(t, ownedBy(t, c, "me"), []string{"s", "t"})
	})
}

func TestIndexIsDeletingForTheTransition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{AccountID: "1", Region: "r", Transition: time.Second})
		createLeaseTable(t, c)
		time.Sleep(time.Second)
		addOwnerIndex(t, c)
		time.Sleep(time.Second)
		remove := &sdk.UpdateTableInput{
			TableName: aws.String("app"),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{
				Delete: &types.DeleteGlobalSecondaryIndexAction{IndexName: aws.String("LeaseOwnerToLeaseKeyIndex")},
			}},
		}
		must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), remove))
		d := describe(t, c, "app")
		same(t, d.GlobalSecondaryIndexes[0].IndexStatus, types.IndexStatusDeleting)
		same(t, d.TableStatus, types.TableStatusUpdating)
		_, err := c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app"), IndexName: aws.String("LeaseOwnerToLeaseKeyIndex")})
		refused(t, err, "ValidationException", "The table does not have the specified index: LeaseOwnerToLeaseKeyIndex")

		time.Sleep(time.Second)
		d = describe(t, c, "app")
		same(t, len(d.GlobalSecondaryIndexes), 0)
		same(t, len(d.AttributeDefinitions), 1)
		same(t, d.TableStatus, types.TableStatusActive)
		_, err = c.UpdateTable(t.Context(), remove)
		refused(t, err, "ResourceNotFoundException", "")
		addOwnerIndex(t, c)
	})
}

func TestWrongTableIsRefused(t *testing.T) {
	const bad = "One or more parameter values were invalid: "
	index := func(change ...func(*types.GlobalSecondaryIndex)) types.GlobalSecondaryIndex {
		x := types.GlobalSecondaryIndex{
			IndexName: aws.String("idx"), KeySchema: keySchema("pk"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}
		for _, f := range change {
			f(&x)
		}
		return x
	}
	for _, test := range []struct {
		want  string
		spoil func(*sdk.CreateTableInput)
	}{
		{"1 validation error detected: Value 'x' at 'tableName' failed to satisfy constraint: " +
			"Member must have length greater than or equal to 3",
			func(in *sdk.CreateTableInput) { in.TableName = aws.String("x") }},
		{"2 validation errors detected: Value '?' at 'tableName' failed to satisfy constraint: Member must satisfy regular expression " +
			"pattern: [a-zA-Z0-9_.-]+; Value '?' at 'tableName' failed to satisfy constraint: Member must have length greater than or equal to 3",
			func(in *sdk.CreateTableInput) { in.TableName = aws.String("?") }},
		{"1 validation error detected: Value 'FREE' at 'billingMode' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]",
			func(in *sdk.CreateTableInput) { in.BillingMode = "FREE" }},
		{bad + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
			func(in *sdk.CreateTableInput) { in.ProvisionedThroughput = provisioned(1, 1) }},
		{bad + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
			func(in *sdk.CreateTableInput) { in.BillingMode = "" }},
		{"1 validation error detected: Value '0' at 'provisionedThroughput.readCapacityUnits' failed to satisfy constraint: " +
			"Member must have value greater than or equal to 1",
			func(in *sdk.CreateTableInput) { in.BillingMode, in.ProvisionedThroughput = "", provisioned(0, 1) }},
		{bad + "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
			func(in *sdk.CreateTableInput) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, definition("sk", types.ScalarAttributeTypeS))
			}},
		{bad + "Cannot add duplicated attribute definition: pk",
			func(in *sdk.CreateTableInput) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, in.AttributeDefinitions[0])
			}},
		{bad + "Some index key attributes are not defined in AttributeDefinitions. Keys: [other], AttributeDefinitions: [pk]",
			func(in *sdk.CreateTableInput) { in.KeySchema = keySchema("other") }},
		{"1 validation error detected: Value 'SS' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [B, N, S]",
			func(in *sdk.CreateTableInput) { in.AttributeDefinitions[0].AttributeType = "SS" }},
		{"Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
			func(in *sdk.CreateTableInput) { in.KeySchema[0].KeyType = types.KeyTypeRange }},
		{"Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
			func(in *sdk.CreateTableInput) { in.KeySchema = append(in.KeySchema, in.KeySchema[0]) }},
		{"Both the Hash Key and the Range Key element in the KeySchema have the same name",
			func(in *sdk.CreateTableInput) { in.KeySchema = keySchema("pk", "pk") }},
		{bad + "List of GlobalSecondaryIndexes is empty",
			func(in *sdk.CreateTableInput) { in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{} }},
		{bad + "Unknown ProjectionType: null",
			func(in *sdk.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes,
					index(func(x *types.GlobalSecondaryIndex) { x.Projection.ProjectionType = "" }))
			}},
		{bad + "ProjectionType is ALL, but NonKeyAttributes is specified",
			func(in *sdk.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes,
					index(func(x *types.GlobalSecondaryIndex) { x.Projection.NonKeyAttributes = []string{"x"} }))
			}},
		{bad + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
			func(in *sdk.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes,
					index(func(x *types.GlobalSecondaryIndex) { x.Projection.ProjectionType = types.ProjectionTypeInclude }))
			}},
		{bad + "ProvisionedThroughput should not be specified for index: idx when BillingMode is PAY_PER_REQUEST",
			func(in *sdk.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes,
					index(func(x *types.GlobalSecondaryIndex) { x.ProvisionedThroughput = provisioned(1, 1) }))
			}},
		{bad + "ProvisionedThroughput must be specified for index: idx",
			func(in *sdk.CreateTableInput) {
				in.BillingMode, in.ProvisionedThroughput = types.BillingModeProvisioned, provisioned(1, 1)
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, index())
			}},
		{bad + "Duplicate index name: idx",
			func(in *sdk.CreateTableInput) {
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, index(), index())
			}},
		{bad + "Some AttributeDefinitions are not used. AttributeDefinitions: [pk, sk], keys used: [pk]",
			func(in *sdk.CreateTableInput) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, definition("sk", types.ScalarAttributeTypeS))
				in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, index())
			}},
	} {
		c := newClient(t, Options{})
		in := onDemandTable("table")
		test.spoil(in)
		_, err := c.CreateTable(t.Context(), in)
		refused(t, err, "ValidationException", test.want)
		same(t, len(must[*sdk.ListTablesOutput](t)(c.ListTables(t.Context(), nil)).TableNames), 0)
	}
}

func TestBillingModeChanges(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	addOwnerIndex(t, c)
	update := &sdk.UpdateTableInput{TableName: aws.String("app"), BillingMode: types.BillingModeProvisioned}
	_, err := c.UpdateTable(t.Context(), update)
	refused(t, err, "ValidationException",
		"One or more parameter values were invalid: ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	update.ProvisionedThroughput = provisioned(10, 10)
	_, err = c.UpdateTable(t.Context(), update)
	refused(t, err, "ValidationException",
		"One or more parameter values were invalid: ProvisionedThroughput must be specified for index: LeaseOwnerToLeaseKeyIndex")
	update.GlobalSecondaryIndexUpdates = []types.GlobalSecondaryIndexUpdate{{Update: &types.UpdateGlobalSecondaryIndexAction{
		IndexName: aws.String("LeaseOwnerToLeaseKeyIndex"), ProvisionedThroughput: provisioned(10, 10),
	}}}
	out := must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), update))
	same(t, out.TableDescription.TableStatus, types.TableStatusUpdating)
	d := describe(t, c, "app")
	same(t, d.BillingModeSummary.BillingMode, types.BillingModeProvisioned)
	same(t, *d.ProvisionedThroughput.ReadCapacityUnits, int64(10))
	same(t, *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.ReadCapacityUnits, int64(10))

	_, err = c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("app"), ProvisionedThroughput: provisioned(10, 10),
	})
	refused(t, err, "ValidationException", "")
	if !strings.Contains(err.Error(), "The provisioned throughput for the table will not change.") {
		t.Fatal(err)
	}
	must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("app"), BillingMode: types.BillingModePayPerRequest,
	}))
	d = describe(t, c, "app")
	same(t, d.BillingModeSummary.BillingMode, types.BillingModePayPerRequest)
	same(t, *d.GlobalSecondaryIndexes[0].ProvisionedThroughput.ReadCapacityUnits, int64(0))
}

func TestWrongTableUpdateChangesNothing(t *testing.T) {
	const bad = "One or more parameter values were invalid: "
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	index := func(name string) types.GlobalSecondaryIndexUpdate {
		return types.GlobalSecondaryIndexUpdate{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName: &name, KeySchema: keySchema("leaseOwner"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}}
	}
	owner := []types.AttributeDefinition{definition("leaseOwner", types.ScalarAttributeTypeS)}
	for _, test := range []struct {
		in         sdk.UpdateTableInput
		code, want string
	}{
		{sdk.UpdateTableInput{}, "ValidationException", "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, " +
			"GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required"},
		{sdk.UpdateTableInput{GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{}}}, "ValidationException",
			bad + "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null"},
		{sdk.UpdateTableInput{
			AttributeDefinitions:        owner,
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{index("one"), index("two")},
		}, "LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"},
		{sdk.UpdateTableInput{GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{index("one")}}, "ValidationException",
			bad + "Some index key attributes are not defined in AttributeDefinitions. Keys: [leaseOwner], AttributeDefinitions: [leaseKey]"},
		{sdk.UpdateTableInput{
			DeletionProtectionEnabled: aws.Bool(true),
			GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Update: &types.UpdateGlobalSecondaryIndexAction{
				IndexName: aws.String("none"), ProvisionedThroughput: provisioned(1, 1),
			}}},
		}, "ResourceNotFoundException", "Requested resource not found: Index: none of table: app not found"},
	} {
		test.in.TableName = aws.String("app")
		_, err := c.UpdateTable(t.Context(), &test.in)
		refused(t, err, test.code, test.want)
		d := describe(t, c, "app")
		same(t, d.TableStatus, types.TableStatusActive)
		same(t, len(d.GlobalSecondaryIndexes), 0)
		same(t, *d.DeletionProtectionEnabled, false)
	}
	addOwnerIndex(t, c)
	_, err := c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("app"), AttributeDefinitions: owner,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{index("LeaseOwnerToLeaseKeyIndex")},
	})
	refused(t, err, "ValidationException", bad+"Attempting to create an index which already exists: LeaseOwnerToLeaseKeyIndex")
	owner[0].AttributeType = types.ScalarAttributeTypeN
	_, err = c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("app"), AttributeDefinitions: owner,
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{index("two")},
	})
	refused(t, err, "ValidationException", bad+"Cannot change the type of the key attribute leaseOwner")
	_, err = c.UpdateTable(t.Context(), &sdk.UpdateTableInput{TableName: aws.String("none"), DeletionProtectionEnabled: aws.Bool(true)})
	refused(t, err, "ResourceNotFoundException", "Requested resource not found: Table: none not found")
}

func TestTablesAreListedInPages(t *testing.T) {
	c := newClient(t, Options{})
	var want, got []string
	for i := range 105 {
		name := fmt.Sprintf("table-%03d", i)
		createTable(t, c, name)
		want = append(want, name)
	}
	first := must[*sdk.ListTablesOutput](t)(c.ListTables(t.Context(), &sdk.ListTablesInput{}))
	same(t, len(first.TableNames), 100)
	pages := sdk.NewListTablesPaginator(c, &sdk.ListTablesInput{Limit: aws.Int32(7)})
	for pages.HasMorePages() {
		got = append(got, must[*sdk.ListTablesOutput](t)(pages.NextPage(t.Context())).TableNames...)
	}
	same(t, got, want)
	out := must[*sdk.ListTablesOutput](t)(c.ListTables(t.Context(), &sdk.ListTablesInput{ExclusiveStartTableName: aws.String("table-103x")}))
	same(t, out.TableNames, []string{"table-104"})
	_, err := c.ListTables(t.Context(), &sdk.ListTablesInput{Limit: aws.Int32(101)})
	refused(t, err, "ValidationException",
		"1 validation error detected: Value '101' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100")
}

func TestOfRacingCreatorsOneMakesTheTable(t *testing.T) {
	c := newClient(t, Options{})
	var (
		creators sync.WaitGroup
		made     atomic.Int32
	)
	for range 20 {
		creators.Go(func() {
			if _, err := c.CreateTable(t.Context(), onDemandTable("app")); err == nil {
				made.Add(1)
			}
		})
	}
	creators.Wait()
	same(t, made.Load(), int32(1))
}
