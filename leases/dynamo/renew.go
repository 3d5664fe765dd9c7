package dynamo

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/leases"
)

var _ leases.Renewer = (*Store)(nil)

// Renew makes renewals by one BatchExecuteStatement, which costs what as many updates would cost, and whose statements do not depend on one
// another. Where the credentials do not allow dynamodb:PartiQLUpdate, or the server does not know the operation or the statements, or answers
// without the rows, the error is errors.ErrUnsupported.
func (s *Store) Renew(ctx context.Context, renewals []leases.Write) ([]leases.Renewed, error) {
	api, can := s.api.(BatchAPI)
	if !can {
		return nil, errors.ErrUnsupported
	}
	in := &dynamodb.BatchExecuteStatementInput{Statements: make([]types.BatchStatementRequest, len(renewals))}
	for i, w := range renewals {
		in.Statements[i] = s.statement(w)
	}
	out, err := api.BatchExecuteStatement(ctx, in, oneAttempt)
	if err != nil {
		return nil, unsupported(s.failure("PartiQLUpdate", err))
	}
	if len(out.Responses) != len(renewals) {
		return nil, fmt.Errorf("dynamo: %d responses to %d statements: %w", len(out.Responses), len(renewals), errors.ErrUnsupported)
	}
	results := make([]leases.Renewed, len(renewals))
	for i, response := range out.Responses {
		row, err := s.renewed(renewals[i].Key(), response)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		results[i] = leases.Renewed{Lease: row, Err: err}
	}
	return results, nil
}

// statement spells a renewal. Unlike UpdateItem, an UPDATE makes no row where there is none.
func (s *Store) statement(w leases.Write) types.BatchStatementRequest {
	counter, _ := w.Condition().Counter.Get()
	update, parameters := `UPDATE "`+s.table+`" SET "leaseCounter" = ?`, []types.AttributeValue{number(counter + 1)}
	if rate, named := w.Change().ThroughputKBps.Get(); named {
		update, parameters = update+` SET "throughputKBps" = ?`, append(parameters, decimal(rate))
	}
	update += ` WHERE "leaseKey" = ? AND "leaseCounter" = ? RETURNING ALL NEW *`
	return types.BatchStatementRequest{
		Statement: &update, Parameters: append(parameters, text(w.Key()), number(counter)),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
}

// renewed reads the response to one statement.
func (s *Store) renewed(key string, r types.BatchStatementResponse) (leases.Lease, error) {
	switch {
	case r.Error == nil && len(r.Item) == 0:
		return leases.Lease{}, fmt.Errorf("dynamo: the row did not come back: %w", errors.ErrUnsupported)
	case r.Error == nil:
		return decode(r.Item)
	case r.Error.Code == types.BatchStatementErrorCodeEnumConditionalCheckFailed:
		return leases.Lease{}, conflict(key, r.Error.Item)
	}
	return leases.Lease{}, unsupported(s.failure("PartiQLUpdate", exception(r.Error)))
}

// exceptions are the names that errors of single statements have as those of calls, where they differ.
var exceptions = map[types.BatchStatementErrorCodeEnum]string{
	types.BatchStatementErrorCodeEnumProvisionedThroughputExceeded: "ProvisionedThroughputExceededException",
	types.BatchStatementErrorCodeEnumThrottlingError:               "ThrottlingException",
	types.BatchStatementErrorCodeEnumValidationError:               "ValidationException",
	types.BatchStatementErrorCodeEnumResourceNotFound:              "ResourceNotFoundException",
}

// exception turns the error of a statement into that of a call.
func exception(e *types.BatchStatementError) error {
	return &smithy.GenericAPIError{Code: cmp.Or(exceptions[e.Code], string(e.Code)), Message: aws.ToString(e.Message)}
}

// unsupported marks an error that says that statements are not for this worker, or not for this server.
func unsupported(err error) error {
	switch retry.Code(err) {
	case "AccessDeniedException", "AccessDenied", "UnknownOperationException", "ValidationException":
		return fmt.Errorf("%w (%w)", errors.ErrUnsupported, err)
	}
	return err
}
