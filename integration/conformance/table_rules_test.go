package conformance

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ownerIndex is an index of the attribute "owner".
func ownerIndex() *types.CreateGlobalSecondaryIndexAction {
	return &types.CreateGlobalSecondaryIndexAction{
		IndexName: aws.String("by-owner"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("owner"), KeyType: "HASH"}},
	}
}

// addIndex adds that index to a table.
func (p *place) addIndex(table *string) *dynamodb.UpdateTableOutput {
	return need(p.DynamoDB.UpdateTable(p.ctx, &dynamodb.UpdateTableInput{
		TableName: table, AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: "S"}, {AttributeName: aws.String("owner"), AttributeType: "S"},
		}, GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: ownerIndex()}},
	}))
}

// owned asks the index for the items of an owner.
func (p *place) owned(table *string, owner string) (*dynamodb.QueryOutput, error) {
	return p.DynamoDB.Query(p.ctx, &dynamodb.QueryInput{
		TableName: table, IndexName: aws.String("by-owner"), KeyConditionExpression: aws.String("#o = :o"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": str(owner)},
	})
}

var tableRules = []rule{
	{"a new table is CREATING at first, then ACTIVE", func(p *place) string {
		name := p.name()
		out := need(p.DynamoDB.CreateTable(p.ctx, tableInput(name, "")))
		p.untilTableActive(name)
		return unless(out.TableDescription.TableStatus == types.TableStatusCreating, "at once ACTIVE")
	}},
	{"a table's name is taken while it exists", func(p *place) string {
		_, err := p.DynamoDB.CreateTable(p.ctx, tableInput(p.table(""), ""))
		return refuses(err, "ResourceInUseException")
	}},
	{"a table that does not exist is not found", func(p *place) string {
		_, err := p.DynamoDB.DescribeTable(p.ctx, &dynamodb.DescribeTableInput{TableName: p.name()})
		return refuses(err, "ResourceNotFoundException")
	}},
	{"a deleted table is gone in the end", func(p *place) string {
		table := p.table("")
		need(p.DynamoDB.DeleteTable(p.ctx, &dynamodb.DeleteTableInput{TableName: table}))
		p.until("gone", func() bool {
			_, err := p.DynamoDB.DescribeTable(p.ctx, &dynamodb.DescribeTableInput{TableName: table})
			return called(err) == "ResourceNotFoundException"
		})
		return ""
	}},
	{"the billing mode is seen", func(p *place) string {
		got := p.describe(p.table("")).BillingModeSummary
		return unless(got != nil && got.BillingMode == types.BillingModePayPerRequest, "is not")
	}},
	{"every attribute that is defined is a key's", func(p *place) string {
		in := tableInput(p.name(), "")
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("more"), AttributeType: "S"})
		_, err := p.DynamoDB.CreateTable(p.ctx, in)
		return refuses(err, "ValidationException")
	}},
	{"an index that is added is CREATING at first, then ACTIVE, and has the items from before", func(p *place) string {
		table := p.table("")
		p.store(table, item{"id": str("a"), "owner": str("w")})
		out := p.addIndex(table)
		added := out.TableDescription.GlobalSecondaryIndexes
		p.until("ACTIVE", func() bool {
			d := p.describe(table)
			return len(d.GlobalSecondaryIndexes) == 1 && d.GlobalSecondaryIndexes[0].IndexStatus == types.IndexStatusActive
		})
		if got := need(p.owned(table, "w")); got.Count != 1 {
			return "without the items"
		}
		return unless(len(added) == 1 && added[0].IndexStatus == types.IndexStatusCreating, "at once ACTIVE")
	}},
	{"an index follows its table, and has the items alone that have its key", func(p *place) string {
		in := tableInput(p.name(), "")
		x := ownerIndex()
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("owner"), AttributeType: "S"})
		in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{IndexName: x.IndexName, KeySchema: x.KeySchema, Projection: x.Projection}}
		need(p.DynamoDB.CreateTable(p.ctx, in))
		p.untilTableActive(in.TableName)
		p.store(in.TableName, item{"id": str("a"), "owner": str("w")})
		p.store(in.TableName, item{"id": str("b"), "owner": str("v")})
		p.store(in.TableName, item{"id": str("c")})
		p.store(in.TableName, item{"id": str("b"), "owner": str("w")})
		return unless(need(p.owned(in.TableName, "w")).Count == 2 && need(p.owned(in.TableName, "v")).Count == 0, "otherwise")
	}},
	{"an index is not read consistently", func(p *place) string {
		table := p.table("")
		p.addIndex(table)
		p.until("ACTIVE", func() bool { return p.describe(table).GlobalSecondaryIndexes[0].IndexStatus == types.IndexStatusActive })
		_, err := p.DynamoDB.Scan(p.ctx, &dynamodb.ScanInput{TableName: table, IndexName: aws.String("by-owner"), ConsistentRead: aws.Bool(true)})
		return refuses(err, "ValidationException")
	}},
	{"time to live is switched on, once", func(p *place) string {
		in := &dynamodb.UpdateTimeToLiveInput{TableName: p.table(""), TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String("until"), Enabled: aws.Bool(true),
		}}
		need(p.DynamoDB.UpdateTimeToLive(p.ctx, in))
		p.until("ENABLED", func() bool {
			out := need(p.DynamoDB.DescribeTimeToLive(p.ctx, &dynamodb.DescribeTimeToLiveInput{TableName: in.TableName}))
			return out.TimeToLiveDescription.TimeToLiveStatus == types.TimeToLiveStatusEnabled
		})
		_, err := p.DynamoDB.UpdateTimeToLive(p.ctx, in)
		return refuses(err, "ValidationException")
	}},
	{"point-in-time recovery is switched on, and is seen", func(p *place) string {
		table := p.table("")
		need(p.DynamoDB.UpdateContinuousBackups(p.ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		}))
		got := need(p.DynamoDB.DescribeContinuousBackups(p.ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: table})).ContinuousBackupsDescription
		return unless(got.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled, "is not")
	}},
	{"a table that is protected is not deleted", func(p *place) string {
		in := tableInput(p.name(), "")
		in.DeletionProtectionEnabled = aws.Bool(true)
		need(p.DynamoDB.CreateTable(p.ctx, in))
		p.untilTableActive(in.TableName)
		_, err := p.DynamoDB.DeleteTable(p.ctx, &dynamodb.DeleteTableInput{TableName: in.TableName})
		return refuses(err, "ValidationException")
	}},
	{"a table's tags are set, listed and removed", func(p *place) string {
		arn := p.describe(p.table("")).TableArn
		need(p.DynamoDB.TagResource(p.ctx, &dynamodb.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{
			{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")},
		}}))
		need(p.DynamoDB.UntagResource(p.ctx, &dynamodb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}))
		var keys []string
		for _, tag := range need(p.DynamoDB.ListTagsOfResource(p.ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: arn})).Tags {
			keys = append(keys, *tag.Key)
		}
		return unless(slices.Equal(keys, []string{"b"}), "other tags")
	}},
}
