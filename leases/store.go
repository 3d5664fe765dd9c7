package leases

import (
	"context"
	"time"
)

// Store keeps lease rows. Implementations: [NewMemory] for one process, leases/dynamo for a fleet; package leasestest tells
// whether another one is right.
//
// All methods may be called from many goroutines at once, must return soon after ctx has ended, and must not retry a Write by
// themselves beyond what ctx allows. Errors other than those named mean that the call may have had its effect or not.
type Store interface {
	// Prepare makes the table usable: it is there, has the right keys, and its index answers. What is missing is created.
	Prepare(ctx context.Context) error
	// Check returns an error that is ErrRefused where the table must not be used, or no longer: workers that go by other rules may
	// be using it. Any other error says nothing about that. Prepare checks it too.
	Check(ctx context.Context) error
	// Scan returns all rows, in no order and eventually consistent. Rows that say they are leases and cannot be read are reported
	// and do not hinder the others; rows of kinds that this package has no use for are counted.
	Scan(ctx context.Context) (Snapshot, error)
	// ScanPart is Scan for one of several parts of the table, numbered from 0. The parts are disjoint, together they are the whole,
	// and a row is always in the same one.
	ScanPart(ctx context.Context, part, parts int) (Snapshot, error)
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
	// Delete removes a row if the write's condition holds, in one step; its change is not looked at. Otherwise the error is a
	// *ConflictError.
	Delete(ctx context.Context, w Write) error

	// Beat writes a worker's row, whole, whether there is one or not.
	Beat(ctx context.Context, w Worker) error
	// Worker returns a worker's row as all writes acknowledged before the call left it. The error is ErrNotFound where there is
	// none.
	Worker(ctx context.Context, id string) (Worker, error)
	// Retire deletes a worker's row; where asRead is not zero, only if it was last written then. There need not be one.
	Retire(ctx context.Context, id string, asRead time.Time) error
	// Leader returns the row of a Java worker that leads, with strong consistency. The error is ErrNotFound where there is none.
	Leader(ctx context.Context) (Leader, error)
	// Depose deletes the leader's row if its version is still l.Version. There need not be one.
	Depose(ctx context.Context, l Leader) error
}

// Renewer is a Store that can make several renewals in one call. Where a Store is one, that is how leases are renewed: the calls are most of
// what an idle worker costs.
type Renewer interface {
	// Renew makes up to MaxRenewals writes of different rows. The condition of each is the row's counter alone; its change is the next
	// counter and, where it is named, the traffic. Each has its effect or not by itself, and the results, in the order of the writes, are what
	// Write would return. Any other error concerns all of them, as an error of Write concerns one. One that is [errors.ErrUnsupported] says
	// that the store cannot do it here: it is not asked again, and the writes are made one by one.
	Renew(ctx context.Context, renewals []Write) ([]Renewed, error)
}

// MaxRenewals is how many renewals are made in one call at most: as many as DynamoDB takes statements.
const MaxRenewals = 25

// Renewed is the outcome of one renewal.
type Renewed struct {
	Lease Lease
	Err   error
}

// Snapshot is what a scan found.
type Snapshot struct {
	Leases  []Lease
	Workers []Worker
	Damaged []DamagedError // rows that are meant to be leases and cannot be read
	Foreign int            // rows of other kinds
}
