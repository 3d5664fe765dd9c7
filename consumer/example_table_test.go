package consumer_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/leases/dynamo"
)

// What the lease table is made with is said to its store, which then stands in Leases in place of the client in DynamoDB.
func ExampleConfig_leaseTable() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	server := serve(ctx)
	defer server.Close()

	table, err := dynamo.New(dynamo.Config{
		API:                 server.DynamoDB(),
		Table:               "billing-leases",
		Application:         "billing", // as below
		ReadUnits:           20,        // on demand without these two
		WriteUnits:          50,
		Tags:                map[string]string{"team": "payments"},
		DeletionProtection:  true,
		PointInTimeRecovery: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	c, err := consumer.New(consumer.Config{
		Application: "billing",
		Streams:     []consumer.Stream{{Name: "orders"}},
		Kinesis:     server.Kinesis(),
		Leases:      table,
		Handler: consumer.HandlerFunc(func(context.Context, *consumer.Batch) error {
			stop()
			return nil
		}),
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Run(ctx); err != nil {
		log.Fatal(err)
	}
	show(server.DynamoDB(), "billing-leases")
	// Output:
	// writes a second: 50
	// cannot be deleted: true
	// team: payments
	// recovery: ENABLED
}

// show prints what DynamoDB says of a table.
func show(client *dynamodb.Client, name string) {
	ctx := context.Background()
	is, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(name)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("writes a second:", aws.ToInt64(is.Table.ProvisionedThroughput.WriteCapacityUnits))
	fmt.Println("cannot be deleted:", aws.ToBool(is.Table.DeletionProtectionEnabled))
	has, err := client.ListTagsOfResource(ctx, &dynamodb.ListTagsOfResourceInput{ResourceArn: is.Table.TableArn})
	if err != nil {
		log.Fatal(err)
	}
	for _, tag := range has.Tags {
		fmt.Printf("%s: %s\n", aws.ToString(tag.Key), aws.ToString(tag.Value))
	}
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String(name)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("recovery:", backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus)
}
