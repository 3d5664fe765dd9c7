package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"
)

// API is the part of the DynamoDB client that the store calls; *dynamodb.Client satisfies it.
type API interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	UpdateContinuousBackups(context.Context, *dynamodb.UpdateContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// BatchAPI is what a client may do besides, as *dynamodb.Client does: renew several leases in one call. It needs dynamodb:PartiQLUpdate.
type BatchAPI interface {
	BatchExecuteStatement(context.Context, *dynamodb.BatchExecuteStatementInput, ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error)
}

// Config says where the leases are, and how a table is made where there is none. API and Table are required.
type Config struct {
	API API
	// Table is the table's name: 3 to 255 of letters, digits, '_', '-' and '.'. The Java library's default is the application's
	// name.
	Table string
	// Application is the application's name. Versions 3.0 to 3.4 of the Java library had a second table of the name
	// "<application>-CoordinatorState": where that is in use still, the lease table is refused. Default: Table.
	Application string

	// The next four are for a table that the store creates; an existing one keeps what it has.

	// ReadUnits and WriteUnits are the provisioned capacity of the table and of its index. Default: on demand.
	ReadUnits, WriteUnits int64
	// Tags are put on the table, which takes the permission dynamodb:TagResource.
	Tags map[string]string
	// DeletionProtection keeps the table from being deleted.
	DeletionProtection bool

	// PointInTimeRecovery turns continuous backups on, for an existing table too. Nothing turns them off.
	PointInTimeRecovery bool

	// Progress is told what Prepare waits for, at each look at the table. It must return soon. Default: nobody.
	Progress func(Progress)
	// Logger is told the same, once for each step. Default: silent.
	Logger *zap.Logger
}

// Step is something that Prepare does or waits for.
type Step string

// The steps, in the order in which they come.
const (
	CreatingTable   Step = "the table is being created"
	AddingIndex     Step = "the index is being added"
	FillingIndex    Step = "the index is being filled"
	EnablingBackups Step = "continuous backups are being enabled" // before PointInTimeRecovery can be turned on
	TableReady      Step = "the table is ready"
)

// Progress is where Prepare stands.
type Progress struct {
	Table  string
	Step   Step
	Waited time.Duration // since Prepare began
	Rows   int64         // in the table, as the service last counted; it counts every few hours
}

// tableName is the service's rule for names.
var tableName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)

func (cfg Config) withDefaults() Config {
	cfg.Application = cmp.Or(cfg.Application, cfg.Table)
	if cfg.Progress == nil {
		cfg.Progress = func(Progress) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	return cfg
}

func (cfg Config) validate() error {
	var faults []error
	demand := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%w: Config."+format, append([]any{ErrConfig}, args...)...))
		}
	}
	demand(cfg.API != nil, "API is required")
	demand(tableName.MatchString(cfg.Table), "Table is %q; it must be 3 to 255 of letters, digits, '_', '-' and '.'", cfg.Table)
	demand(cfg.ReadUnits >= 0 && cfg.WriteUnits >= 0 && (cfg.ReadUnits == 0) == (cfg.WriteUnits == 0),
		"ReadUnits is %d and WriteUnits is %d; both must be positive, or both 0 for a table on demand", cfg.ReadUnits, cfg.WriteUnits)
	return errors.Join(faults...)
}
