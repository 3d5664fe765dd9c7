package kinesistest

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb"
)

// WithReadLag makes reads of tables stale that do not ask for consistency, and all reads of indexes: they see what was so long ago. The
// default is none, because the service too is seldom late; a program that relies on that is found out by a lag.
func WithReadLag(d time.Duration) Option { return func(c *config) { c.readLag = d } }

// WithBackfillTime sets how long an index that is added to a table is filled, after the time of [WithTransitionTime] in which it gets
// its resources. Meanwhile it is CREATING and answers no query. The default is no time.
func WithBackfillTime(d time.Duration) Option { return func(c *config) { c.backfill = d } }

// WithExpiryDelay sets how long an item stays after its time to live is over. The default is no time; the service takes up to a few days.
func WithExpiryDelay(d time.Duration) Option { return func(c *config) { c.expiryDelay = d } }

// TableLimits say what tables and indexes refuse because it is too much. The zero value, which is the default, refuses nothing.
//
//	Provisioned                      holds tables of provisioned capacity to it, with five minutes of unused capacity saved up
//	OnDemandReads, OnDemandWrites    units a second of every on-demand table and index; 0 for any number
//	OnDemandCode                     what on-demand tables refuse with: "" is ThrottlingException
//
// Tables of provisioned capacity refuse with ProvisionedThroughputExceededException. To refuse at random, or to refuse some callers or
// some rows, inject a [Fault] with [Throttle].
type TableLimits = dynamodb.Throttling

// SetTableLimits changes what tables refuse from now on.
func (s *Server) SetTableLimits(l TableLimits) { s.dynamodb.Throttle(l) }

// ConsumedCapacity returns the read and write units that a table, given by its name or ARN, and its indexes have consumed since the
// table was created; zero if there is no such table. A write whose condition fails costs a write too.
func (s *Server) ConsumedCapacity(table string) (reads, writes float64) {
	return s.dynamodb.Consumed(table)
}
