package leases

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-go/penstock/checkpoint"
)

var (
	// ErrNotFound reports that there is no lease with that key.
	ErrNotFound = errors.New("leases: no such lease")
	// ErrConflict reports that a conditional write found the row otherwise than its condition demands. Nothing was written.
	ErrConflict = errors.New("leases: the row has changed")
	// ErrDamaged reports a row that is meant to be a lease and cannot be read.
	ErrDamaged = errors.New("leases: damaged row")
	// ErrLost reports that a lease is no longer this worker's, or that the worker cannot prove that it is. It is final.
	ErrLost = errors.New("leases: lease lost")
	// ErrStopped is the cause of a holding's context when its Work was given time to finish and did not. The lease is still
	// held: checkpoints can be written until Work returns.
	ErrStopped = errors.New("leases: stopped at the deadline")
	// ErrDraining reports that a call was cut short because the holding has to be given up.
	ErrDraining = errors.New("leases: draining")
	// ErrBackwards reports a checkpoint before the one that the lease has.
	ErrBackwards = errors.New("leases: checkpoint goes backwards")
	// ErrEndOnly reports that SHARD_END was to be written as a checkpoint. It is written by Held.End, which first creates the
	// children's leases.
	ErrEndOnly = errors.New("leases: SHARD_END is written by Held.End alone")
	// ErrUsed reports a second Run of one coordinator.
	ErrUsed = errors.New("leases: a Coordinator runs once")
	// ErrRefused reports a table that workers use, or used, who go by other rules: to take part would read shards twice.
	ErrRefused = errors.New("leases: the table must not be used by this worker")
	// ErrStuck reports that Run returned although some Work had not.
	ErrStuck = errors.New("leases: work did not return")
)

// ConflictError is what Store.Write returns where the condition does not hold. It is ErrConflict.
type ConflictError struct {
	Key string
	// Actual is the row at the moment when the condition was tried, or nil where the store does not know it. To learn it then
	// takes a consistent read.
	Actual *Lease
}

func (e *ConflictError) Error() string { return fmt.Sprintf("%v: %s", ErrConflict, e.Key) }

// Unwrap returns ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// DamagedError describes a row that cannot be read. It is ErrDamaged. Its text names the attribute, never a value.
type DamagedError struct {
	Key       string
	Attribute string
	Problem   string // what is wrong, and what would be right
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%v %s: attribute %s %s", ErrDamaged, e.Key, e.Attribute, e.Problem)
}

// Unwrap returns ErrDamaged.
func (e *DamagedError) Unwrap() error { return ErrDamaged }

// BackwardsError is what Held.Checkpoint returns for a position before the lease's own. It is ErrBackwards.
type BackwardsError struct {
	Key        string
	Have, Want checkpoint.Position
}

func (e *BackwardsError) Error() string {
	return fmt.Sprintf("%v: %s stands at %v, behind %v", ErrBackwards, e.Key, e.Have, e.Want)
}

// Unwrap returns ErrBackwards.
func (e *BackwardsError) Unwrap() error { return ErrBackwards }

// StuckError names the leases whose Work had not returned when Run did. They were not released, and expire by themselves. It is
// ErrStuck.
type StuckError struct{ Keys []string }

func (e *StuckError) Error() string {
	return fmt.Sprintf("%v, these leases are left to expire: %s", ErrStuck, strings.Join(e.Keys, ", "))
}

// Unwrap returns ErrStuck.
func (e *StuckError) Unwrap() error { return ErrStuck }

// newStuckError returns nil where no key is left.
func newStuckError(keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return &StuckError{Keys: slices.Sorted(slices.Values(keys))}
}

// ConfigError names a field of Config and what is wrong with it.
type ConfigError struct{ Field, Problem string }

func (e *ConfigError) Error() string { return "leases: Config." + e.Field + " " + e.Problem }
