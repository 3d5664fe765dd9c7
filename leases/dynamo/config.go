package dynamo

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// API is the part of the DynamoDB client that the store calls; *dynamodb.Client satisfies it.
type API interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Config says where the leases are. Both fields are required.
type Config struct {
	API API
	// Table is the table's name: 3 to 255 of letters, digits, '_', '-' and '.'. The Java library's default is the application's
	// name.
	Table string
}

// tableName is the service's rule for names.
var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func (cfg Config) validate() error {
	var faults []error
	if cfg.API == nil {
		faults = append(faults, fmt.Errorf("%w: Config.API is required", ErrConfig))
	}
	if !tableName.MatchString(cfg.Table) {
		faults = append(faults, fmt.Errorf("%w: Config.Table is %q; it must be 3 to 255 of letters, digits, '_', '-' and '.'", ErrConfig, cfg.Table))
	}
	return errors.Join(faults...)
}
