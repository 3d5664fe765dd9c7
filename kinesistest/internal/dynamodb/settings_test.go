package dynamodb

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestPointInTimeRecoveryIsSwitchedOnAndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{Transition: time.Second})
		createTable(t, c, "app")
		name := aws.String("app")
		set := func(enabled bool) (*types.PointInTimeRecoveryDescription, error) {
			out, err := c.UpdateContinuousBackups(t.Context(), &sdk.UpdateContinuousBackupsInput{
				TableName: name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &enabled},
			})
			if err != nil {
				return nil, err
			}
			return out.ContinuousBackupsDescription.PointInTimeRecoveryDescription, nil
		}
		_, err := set(true)
		refused(t, err, "ContinuousBackupsUnavailableException", "")
		time.Sleep(time.Second)
		start := time.Now()
		d := must[*types.PointInTimeRecoveryDescription](t)(set(true))
		same(t, d.PointInTimeRecoveryStatus, types.PointInTimeRecoveryStatusEnabled)
		same(t, *d.RecoveryPeriodInDays, int32(35))
		time.Sleep(time.Hour)
		out := must[*sdk.DescribeContinuousBackupsOutput](t)(c.DescribeContinuousBackups(t.Context(), &sdk.DescribeContinuousBackupsInput{TableName: name}))
		d = out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
		if !d.EarliestRestorableDateTime.Equal(start) || !d.LatestRestorableDateTime.Equal(start.Add(55*time.Minute)) {
			t.Fatalf("restorable from %v to %v", d.EarliestRestorableDateTime, d.LatestRestorableDateTime)
		}
		d = must[*types.PointInTimeRecoveryDescription](t)(set(false))
		same(t, d.PointInTimeRecoveryStatus, types.PointInTimeRecoveryStatusDisabled)
		name = aws.String("none")
		_, err = set(true)
		refused(t, err, "TableNotFoundException", "Table not found: none")
	})
}

func TestTagsAreAddedReplacedAndRemoved(t *testing.T) {
	c := newClient(t, Options{})
	in := onDemandTable("app")
	in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}
	arn := must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), in)).TableDescription.TableArn
	must[*sdk.TagResourceOutput](t)(c.TagResource(t.Context(), &sdk.TagResourceInput{
		ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("c"), Value: aws.String("3")}, {Key: aws.String("a"), Value: aws.String("9")}},
	}))
	must[*sdk.UntagResourceOutput](t)(c.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b", "x"}}))
	got := make(map[string]string)
	for _, one := range must[*sdk.ListTagsOfResourceOutput](t)(c.ListTagsOfResource(t.Context(), &sdk.ListTagsOfResourceInput{ResourceArn: arn})).Tags {
		got[*one.Key] = *one.Value
	}
	same(t, got, map[string]string{"a": "9", "c": "3"})
}

func TestWrongTagsAreRefused(t *testing.T) {
	c := newClient(t, Options{})
	createTable(t, c, "app")
	arn := describe(t, c, "app").TableArn
	var many []types.Tag
	for i := range maxTags + 1 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
	}
	for _, tags := range [][]types.Tag{
		many, {{Key: aws.String("aws:x"), Value: aws.String("")}}, {{Key: aws.String(""), Value: aws.String("")}},
	} {
		_, err := c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: arn, Tags: tags})
		refused(t, err, "ValidationException", "")
	}
	_, err := c.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: aws.String(*arn + "x"), Tags: many[:1]})
	refused(t, err, "ResourceNotFoundException", "")
	_, err = c.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: aws.String("app"), TagKeys: []string{"a"}})
	refused(t, err, "ValidationException", "")
}

func TestAccountTellsItsLimitsAndItsEndpoint(t *testing.T) {
	c := newClient(t, Options{})
	limits := must[*sdk.DescribeLimitsOutput](t)(c.DescribeLimits(t.Context(), nil))
	same(t, *limits.TableMaxWriteCapacityUnits, int64(tableCapacityUnits))
	endpoints := must[*sdk.DescribeEndpointsOutput](t)(c.DescribeEndpoints(t.Context(), nil))
	same(t, *endpoints.Endpoints[0].Address, "dynamodb.eu-west-1.amazonaws.com")
}
