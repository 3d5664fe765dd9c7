package integration

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
	"github.com/penstock-go/penstock/leases/leasestest"
)

// A store that passes on kinesistest alone may share its mistakes. (moto answers an update without an update expression with status 500.)
func TestTheLeaseStoreKeepsItsPromisesOnDynalite(t *testing.T) {
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(servers.Start(t, "dynalite")), Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	tables := 0
	leasestest.Run(t, func(t *testing.T) leases.Store {
		tables++
		store, err := dynamo.New(dynamo.Config{API: client, Table: fmt.Sprint("leases-", tables)})
		if err != nil {
			t.Fatal(err)
		}
		return store
	})
}
