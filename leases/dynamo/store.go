package dynamo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/leases"
)

// Store is a leases.Store in a DynamoDB table.
type Store struct {
	cfg         Config
	api         API
	table       string
	application string
	jitter      *retry.Jitter
}

var _ leases.Store = (*Store)(nil)

// New returns a store. It makes no call; the error lists what is wrong with the configuration.
func New(cfg Config) (*Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Store{cfg: cfg, api: cfg.API, table: cfg.Table, application: cfg.Application, jitter: retry.RandomJitter()}, nil
}

// Scan reads the whole table, page by page, eventually consistent.
func (s *Store) Scan(ctx context.Context) (leases.Snapshot, error) {
	return s.scan(ctx, &dynamodb.ScanInput{TableName: &s.table})
}

// ScanPart reads a segment of the table, as the service cuts it.
func (s *Store) ScanPart(ctx context.Context, part, parts int) (leases.Snapshot, error) {
	return s.scan(ctx, &dynamodb.ScanInput{TableName: &s.table, Segment: aws.Int32(int32(part)), TotalSegments: aws.Int32(int32(parts))})
}

func (s *Store) scan(ctx context.Context, in *dynamodb.ScanInput) (leases.Snapshot, error) {
	var all leases.Snapshot
	pages := dynamodb.NewScanPaginator(s.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return leases.Snapshot{}, s.failure("Scan", err)
		}
		for _, row := range page.Items {
			addTo(&all, row)
		}
	}
	return all, nil
}

// addTo sorts one row into the snapshot.
func addTo(all *leases.Snapshot, row item) {
	switch kindOf(row) {
	case kindLease:
	case kindWorker:
		all.Workers = append(all.Workers, decodeWorker(row))
		return
	default:
		all.Foreign++
		return
	}
	l, err := decode(row)
	if damage := (*leases.DamagedError)(nil); errors.As(err, &damage) {
		all.Damaged = append(all.Damaged, *damage)
		return
	}
	all.Leases = append(all.Leases, l)
}

// Get reads one row, strongly consistent.
func (s *Store) Get(ctx context.Context, key string) (leases.Lease, error) {
	row, err := s.read(ctx, key)
	if err != nil {
		return leases.Lease{}, err
	}
	if kindOf(row) != kindLease {
		return leases.Lease{}, leases.ErrNotFound
	}
	return decode(row)
}

// read returns one row of any kind, strongly consistent.
func (s *Store) read(ctx context.Context, key string) (item, error) {
	out, err := s.api.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: keyOf(key), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, s.failure("GetItem", err)
	}
	if len(out.Item) == 0 {
		return nil, leases.ErrNotFound
	}
	return out.Item, nil
}

// KeysOf asks the index, for no more than the keys: a worker with many leases asks twice a second.
func (s *Store) KeysOf(ctx context.Context, worker string) ([]string, error) {
	pages := dynamodb.NewQueryPaginator(s.api, &dynamodb.QueryInput{
		TableName: &s.table, IndexName: aws.String(ownerIndex), KeyConditionExpression: aws.String("leaseOwner = :worker"),
		ExpressionAttributeValues: item{":worker": text(worker)}, ProjectionExpression: aws.String("leaseKey"),
	})
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.failure("Query", err)
		}
		for _, row := range page.Items {
			if key, ok := row["leaseKey"].(*types.AttributeValueMemberS); ok {
				all = append(all, key.Value)
			}
		}
	}
	return all, nil
}

// Create puts a row where there is none.
func (s *Store) Create(ctx context.Context, l leases.Lease) (bool, error) {
	_, err := s.api.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: encode(l), ConditionExpression: aws.String("attribute_not_exists(leaseKey)"),
	})
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		return false, nil
	}
	return err == nil, s.failure("PutItem", err)
}

// Write makes one attempt at a conditional update.
func (s *Store) Write(ctx context.Context, w leases.Write) (leases.Lease, error) {
	out, err := s.api.UpdateItem(ctx, update(s.table, w), oneAttempt)
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		return leases.Lease{}, conflict(w.Key(), failed.Item)
	}
	if err != nil {
		return leases.Lease{}, s.failure("UpdateItem", err)
	}
	return decode(out.Attributes)
}

// Delete makes one attempt at a conditional delete.
func (s *Store) Delete(ctx context.Context, w leases.Write) error {
	up := update(s.table, w)
	_, err := s.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &s.table, Key: up.Key, ConditionExpression: up.ConditionExpression, ExpressionAttributeNames: up.ExpressionAttributeNames,
		ExpressionAttributeValues: up.ExpressionAttributeValues, ReturnValuesOnConditionCheckFailure: up.ReturnValuesOnConditionCheckFailure,
	}, oneAttempt)
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		return conflict(w.Key(), failed.Item)
	}
	return s.failure("DeleteItem", err)
}

// conflict turns the row that came with a failed condition into an error. Some servers send none, and it may be damaged; the caller
// reads it then.
func conflict(key string, row item) error {
	e := &leases.ConflictError{Key: key}
	if len(row) > 0 {
		if actual, err := decode(row); err == nil {
			e.Actual = &actual
		}
	}
	return e
}

// oneAttempt switches the client's own retries off for a call: a conditional write that is repeated behind the coordinator's back
// would fail on its own first success.
func oneAttempt(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func keyOf(key string) item {
	return item{"leaseKey": text(key)}
}
