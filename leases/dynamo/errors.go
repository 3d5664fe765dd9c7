package dynamo

import (
	"errors"
	"fmt"

	"github.com/penstock-go/penstock/internal/retry"
	"github.com/penstock-go/penstock/leases"
)

var errRefused = leases.ErrRefused

var (
	// ErrConfig reports a field of Config that cannot be used.
	ErrConfig = errors.New("dynamo: bad configuration")
	// ErrSchema reports a table, or an index, that exists and is not laid out as a lease table.
	ErrSchema = errors.New("dynamo: not a lease table")
	// ErrDenied reports that the credentials do not allow a call.
	ErrDenied = errors.New("dynamo: not allowed")
	// ErrTable reports a table that cannot be used in the state in which it is.
	ErrTable = errors.New("dynamo: table not usable")
)

// SchemaError describes a table with other keys than leases have. It is ErrSchema.
type SchemaError struct {
	Table string
	Index string // empty: the table itself
	Have  string // the key schema that it has
	Want  string // the one that it should have
}

func (e *SchemaError) Error() string {
	what := "table " + e.Table
	if e.Index != "" {
		what += ", index " + e.Index
	}
	return fmt.Sprintf("%v: %s has the key schema %s where leases need %s; name another table, or delete this one if it is not in use",
		ErrSchema, what, e.Have, e.Want)
}

// Unwrap returns ErrSchema.
func (e *SchemaError) Unwrap() error { return ErrSchema }

// PermissionError names the action that the credentials do not allow. It is ErrDenied and wraps the service's error.
type PermissionError struct {
	Action string // as IAM policies spell it; where a call takes two, both
	Table  string
	Err    error
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("%v: allow %s on table %s and its indexes (%s)", ErrDenied, e.Action, e.Table, retry.Code(e.Err))
}

// Unwrap returns ErrDenied and the service's error.
func (e *PermissionError) Unwrap() []error { return []error{ErrDenied, e.Err} }

// failure wraps the error of a call on the lease table.
func (s *Store) failure(action string, err error) error { return s.failureOn(s.table, action, err) }

func (s *Store) failureOn(table, action string, err error) error {
	if err == nil {
		return nil
	}
	if retry.Classify(err) == retry.Denied {
		return &PermissionError{Action: "dynamodb:" + action, Table: table, Err: err}
	}
	return fmt.Errorf("dynamo: %s on table %s: %w", action, table, err)
}
