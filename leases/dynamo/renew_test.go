package dynamo_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/leases"
	"github.com/penstock-go/penstock/leases/dynamo"
	"github.com/penstock-go/penstock/leases/internal/seal"
)

// batcher answers statements in its own way.
type batcher struct {
	*dynamodb.Client
	answer func(*dynamodb.BatchExecuteStatementOutput, error) (*dynamodb.BatchExecuteStatementOutput, error)
}

func (b batcher) BatchExecuteStatement(ctx context.Context, in *dynamodb.BatchExecuteStatementInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchExecuteStatementOutput, error) {
	return b.answer(b.Client.BatchExecuteStatement(ctx, in, opts...))
}

// renewTwo creates two leases and renews them in one call.
func renewTwo(t *testing.T, store *dynamo.Store) ([]leases.Renewed, error) {
	t.Helper()
	if err := store.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	var writes []leases.Write
	for _, key := range []string{"shardId-000000000000", "shardId-000000000001"} {
		if created, err := store.Create(t.Context(), leases.Lease{Key: key, Owner: "me", Counter: 5}); err != nil || !created {
			t.Fatalf("create: %v, %v", created, err)
		}
		writes = append(writes, leases.NewWrite(seal.Cut(), key, leases.Condition{Counter: leases.Exactly[int64](5)}, leases.Change{NextCounter: true}))
	}
	return store.Renew(t.Context(), writes)
}

func TestSeveralLeasesAreRenewedInOneCall(t *testing.T) {
	results, err := renewTwo(t, open(t, server(t)))
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Err != nil || r.Lease.Counter != 6 || r.Lease.Owner != "me" {
			t.Errorf("%+v, %v", r.Lease, r.Err)
		}
	}
}

func TestAThrottledRenewalIsAnErrorOfThatOneAlone(t *testing.T) {
	for code := range map[types.BatchStatementErrorCodeEnum]bool{
		types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded: true, types.BatchStatementErrorCodeEnumThrottlingError: true,
		types.BatchStatementErrorCodeEnumRequestLimitExceeded: true,
	} {
		results, err := renewTwo(t, open(t, batcher{server(t), func(out *dynamodb.BatchExecuteStatementOutput, err error) (*dynamodb.BatchExecuteStatementOutput, error) {
			out.Responses[1] = types.BatchStatementResponse{Error: &types.BatchStatementError{Code: code}}
			return out, err
		}}))
		if err != nil || len(results) != 2 {
			t.Fatalf("%s: %d results, %v", code, len(results), err)
		}
		if results[0].Err != nil || retry.Classify(results[1].Err) != retry.Throttled {
			t.Errorf("%s: %v, %v", code, results[0].Err, results[1].Err)
		}
	}
}

func TestWhereStatementsCannotBeUsedRenewingIsUnsupported(t *testing.T) {
	type output = dynamodb.BatchExecuteStatementOutput
	refused := func(code string) func(*output, error) (*output, error) {
		return func(*output, error) (*output, error) { return nil, &smithy.GenericAPIError{Code: code} }
	}
	each := func(r types.BatchStatementResponse) func(*output, error) (*output, error) {
		return func(*output, error) (*output, error) {
			return &output{Responses: []types.BatchStatementResponse{r, r}}, nil
		}
	}
	for name, api := range map[string]func(*dynamodb.Client) dynamo.API{
		"a client without the operation": func(c *dynamodb.Client) dynamo.API { return struct{ dynamo.API }{c} },
		"no permission":                  func(c *dynamodb.Client) dynamo.API { return batcher{c, refused("AccessDeniedException")} },
		"no such operation":              func(c *dynamodb.Client) dynamo.API { return batcher{c, refused("UnknownOperationException")} },
		"no permission for a statement": func(c *dynamodb.Client) dynamo.API {
			return batcher{c, each(types.BatchStatementResponse{Error: &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumAccessDenied}})}
		},
		"another dialect": func(c *dynamodb.Client) dynamo.API {
			return batcher{c, each(types.BatchStatementResponse{Error: &types.BatchStatementError{Code: types.BatchStatementErrorCodeEnumValidationError}})}
		},
		"no rows": func(c *dynamodb.Client) dynamo.API { return batcher{c, each(types.BatchStatementResponse{})} },
		"no responses": func(c *dynamodb.Client) dynamo.API {
			return batcher{c, func(*output, error) (*output, error) { return &output{}, nil }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if results, err := renewTwo(t, open(t, api(server(t)))); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%v, %v", results, err)
			}
		})
	}
}

func TestAFailureOfTheWholeCallIsNotTakenForAMissingFeature(t *testing.T) {
	for _, code := range []string{"ThrottlingException", "InternalServerError", "ProvisionedThroughputExceededException", "ExpiredTokenException", "TransactionConflictException", "BadGateway"} {
		_, err := renewTwo(t, open(t, batcher{server(t), func(*dynamodb.BatchExecuteStatementOutput, error) (*dynamodb.BatchExecuteStatementOutput, error) {
			return nil, &smithy.GenericAPIError{Code: code}
		}}))
		if err == nil || errors.Is(err, errors.ErrUnsupported) || retry.Code(err) != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}
