package leases

import "context"

// Store keeps lease rows. Implementations: [NewMemory] for one process, leases/dynamo for a fleet; package leasestest tells
// whether another one is right.
//
// All methods may be called from many goroutines at once, must return soon after ctx has ended, and must not retry a Write by
// themselves beyond what ctx allows. Errors other than those named mean that the call may have had its effect or not.
type Store interface {
	// Prepare makes the table usable: it is there, has the right keys, and its index answers. What is missing is created.
	Prepare(ctx context.Context) error
	// Scan returns all leases, in no order and eventually consistent. Rows of other kinds are skipped; rows that say they are
	// leases and cannot be read are reported and do not hinder the others.
	Scan(ctx context.Context) (Snapshot, error)
	// Get returns one lease as all writes acknowledged before the call left it. The error is ErrNotFound where there is none,
	// and a *DamagedError where it cannot be read.
	Get(ctx context.Context, key string) (Lease, error)
	// KeysOf returns the keys of the leases whose Owner is worker, eventually consistent.
	KeysOf(ctx context.Context, worker string) ([]string, error)
	// Create writes a row unless one with that key exists, and says whether it did.
	Create(ctx context.Context, l Lease) (created bool, err error)
	// Write changes a row if the write's condition holds, in one step, and returns the row as it is afterwards. What the write
	// does not name stays as it is, attributes unknown to this package too. Where the condition does not hold, or there is no
	// row, the error is a *ConflictError.
	Write(ctx context.Context, w Write) (Lease, error)
}

// Snapshot is what a scan found.
type Snapshot struct {
	Leases  []Lease
	Damaged []DamagedError // rows that are meant to be leases and cannot be read
}
