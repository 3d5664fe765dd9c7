package dynamodb

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The tests in this file do to a table what workers that share leases do.

var ignoreUnexported = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberM{},
	types.AttributeValueMemberL{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{})

func same(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, ignoreUnexported, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("unexpected (-want +got):\n%s", d)
	}
}

func createLeaseTable(t *testing.T, c *sdk.Client) {
	t.Helper()
	must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), &sdk.CreateTableInput{
		TableName:            aws.String("app"),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{definition("leaseKey", types.ScalarAttributeTypeS)},
		KeySchema:            keySchema("leaseKey"),
	}))
}

func addOwnerIndex(t *testing.T, c *sdk.Client) *types.TableDescription {
	t.Helper()
	return must[*sdk.UpdateTableOutput](t)(c.UpdateTable(t.Context(), &sdk.UpdateTableInput{
		TableName: aws.String("app"),
		AttributeDefinitions: []types.AttributeDefinition{
			definition("leaseOwner", types.ScalarAttributeTypeS), definition("leaseKey", types.ScalarAttributeTypeS),
		},
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
			IndexName:  aws.String("LeaseOwnerToLeaseKeyIndex"),
			KeySchema:  keySchema("leaseOwner", "leaseKey"),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}}},
	})).TableDescription
}

func ownedBy(t *testing.T, c *sdk.Client, owner string) []string {
	t.Helper()
	var keys []string
	pages := sdk.NewQueryPaginator(c, &sdk.QueryInput{
		TableName: aws.String("app"), IndexName: aws.String("LeaseOwnerToLeaseKeyIndex"), Limit: aws.Int32(2),
		KeyConditionExpression:    aws.String("leaseOwner = :o"),
		ExpressionAttributeValues: item{":o": str(owner)},
	})
	for pages.HasMorePages() {
		for _, it := range must[*sdk.QueryOutput](t)(pages.NextPage(t.Context())).Items {
			if len(it) != 2 {
				t.Fatalf("a KEYS_ONLY index answered %v", it)
			}
			keys = append(keys, it["leaseKey"].(*types.AttributeValueMemberS).Value)
		}
	}
	return keys
}

func TestLeaseIsCreatedOnlyOnce(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	create := func(owner string) error {
		_, err := c.PutItem(t.Context(), &sdk.PutItemInput{
			TableName:           aws.String("app"),
			Item:                item{"leaseKey": str("shardId-0"), "leaseCounter": num("0"), "leaseOwner": str(owner)},
			ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
		})
		return err
	}
	if err := create("a"); err != nil {
		t.Fatal(err)
	}
	refused(t, create("b"), "ConditionalCheckFailedException", "The conditional request failed")
	same(t, get(t, c, "app", item{"leaseKey": str("shardId-0")})["leaseOwner"], str("a"))
}

func TestLostRenewalReturnsTheLeaseAsItIs(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("s"), "leaseCounter": num("7"), "checkpointOwner": str("me"), "parentShardId": strs("p")})
	renew := &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("s")},
		UpdateExpression:    aws.String("SET leaseCounter = :next, throughputKBps = :t"),
		ConditionExpression: aws.String("leaseCounter = :c AND attribute_not_exists(checkpointOwner)"),
		ExpressionAttributeValues: item{
			":c": num("7"), ":next": num("8"), ":t": num("0.500"),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	_, err := c.UpdateItem(t.Context(), renew)
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	same(t, failed.Item, item{"leaseKey": str("s"), "leaseCounter": num("7"), "checkpointOwner": str("me"), "parentShardId": strs("p")})

	renew.ConditionExpression = aws.String("leaseCounter = :c")
	renew.ReturnValues = types.ReturnValueUpdatedNew
	out := must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), renew))
	same(t, out.Attributes, item{"leaseCounter": num("8"), "throughputKBps": num("0.5")})
}

func TestAssignmentMovesTheLeaseInTheOwnerIndex(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	for i := range 5 {
		put(t, c, "app", item{"leaseKey": str(fmt.Sprintf("shardId-%d", i)), "leaseCounter": num("1"), "leaseOwner": str("old")})
	}
	put(t, c, "app", item{"leaseKey": str("Leader"), "entityType": str("LEADER")})
	description := addOwnerIndex(t, c)
	if description.TableStatus != types.TableStatusUpdating || description.GlobalSecondaryIndexes[0].IndexStatus != types.IndexStatusCreating {
		t.Fatalf("the answer to UpdateTable says %v, %v", description.TableStatus, description.GlobalSecondaryIndexes[0].IndexStatus)
	}
	same(t, ownedBy(t, c, "old"), []string{"shardId-0", "shardId-1", "shardId-2", "shardId-3", "shardId-4"})

	out := must[*sdk.UpdateItemOutput](t)(c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("shardId-3")},
		UpdateExpression:          aws.String("SET leaseOwner = :new ADD leaseCounter :one, ownerSwitches :one REMOVE checkpointOwner"),
		ConditionExpression:       aws.String("leaseKey = :k AND leaseOwner = :old AND attribute_not_exists(checkpointOwner)"),
		ExpressionAttributeValues: item{":new": str("new"), ":one": num("1"), ":k": str("shardId-3"), ":old": str("old")},
		ReturnValues:              types.ReturnValueAllNew,
	}))
	same(t, out.Attributes, item{
		"leaseKey": str("shardId-3"), "leaseOwner": str("new"), "leaseCounter": num("2"), "ownerSwitches": num("1"),
	})
	same(t, ownedBy(t, c, "old"), []string{"shardId-0", "shardId-1", "shardId-2", "shardId-4"})
	same(t, ownedBy(t, c, "new"), []string{"shardId-3"})

	must[*sdk.DeleteItemOutput](t)(c.DeleteItem(t.Context(), &sdk.DeleteItemInput{
		TableName: aws.String("app"), Key: item{"leaseKey": str("shardId-3")},
	}))
	same(t, ownedBy(t, c, "new"), []string(nil))
}

func TestOfFiftyRacingTakersOneWins(t *testing.T) {
	c := newClient(t, Options{})
	createLeaseTable(t, c)
	put(t, c, "app", item{"leaseKey": str("s"), "leaseCounter": num("0")})
	var (
		takers sync.WaitGroup
		wins   atomic.Int32
	)
	for i := range 50 {
		takers.Go(func() {
			_, err := c.UpdateItem(t.Context(), &sdk.UpdateItemInput{
				TableName: aws.String("app"), Key: item{"leaseKey": str("s")},
				UpdateExpression:          aws.String("SET leaseOwner = :me, leaseCounter = leaseCounter + :one"),
				ConditionExpression:       aws.String("leaseCounter = :zero"),
				ExpressionAttributeValues: item{":me": str(fmt.Sprint(i)), ":one": num("1"), ":zero": num("0")},
			})
			var lost *types.ConditionalCheckFailedException
			switch {
			case err == nil:
				wins.Add(1)
			case !errors.As(err, &lost):
				t.Error(err)
			}
		})
	}
	takers.Wait()
	if wins.Load() != 1 {
		t.Fatalf("%d takers won", wins.Load())
	}
	same(t, get(t, c, "app", item{"leaseKey": str("s")})["leaseCounter"], num("1"))
}
