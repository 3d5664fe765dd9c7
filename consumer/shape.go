package consumer

import (
	"cmp"
	"errors"
	"time"
)

// Shaper is a [Handler] that says in what shape it wants its records. It is asked before the first batch of a shard, and once more, for
// [Config.Handler], by [New]. A handler that wraps another one should hand its Shape on.
type Shaper interface {
	Handler
	Shape() Shape
}

// Shape is what the batches of a [Handler] are like. Fields that are zero mean what the [Config] says.
type Shape struct {
	// Raw asks for the Kinesis records as they are: an aggregate is one record, whose key is that of the whole and whose data is not looked
	// at. A raw record is done as a whole or not at all.
	Raw bool
	// MaxRecords is how many records a batch has, at most. Zero: Config.MaxBatchRecords.
	MaxRecords int
	// MaxBytes is how many bytes of data and partition keys a batch has, at most; a record that is larger by itself makes a batch of
	// its own. Zero: Config.MaxBatchBytes.
	MaxBytes int
	// Window is how long a batch that is not full waits for more records, from the moment at which its first one was taken from a page. It
	// ends early when memory for fetched records runs out, and at the end of the shard. Zero: Config.BatchWindow. Negative: no batch waits,
	// whatever the configuration says.
	Window time.Duration
	// Concurrency is in how many lanes the records of one shard are handled side by side. Those of one partition key are always in
	// the same lane, and so in order and one at a time; each lane has batches of its own. The shard's position is that up to which everything
	// is done. With more than one lane the handler is called from several goroutines. Zero: Config.Concurrency.
	Concurrency int
	// Failure says what becomes of records that cannot be handled. Nil: Config.Failure.
	Failure *Failure
}

// maxConcurrency bounds the goroutines of a shard.
const maxConcurrency = 1000

// shapeOf returns the shape of a handler's batches, with no field left zero that has a default, and a window of zero where no batch
// waits. The handler's own wishes are not checked yet.
func (c *Config) shapeOf(h Handler) Shape {
	var s Shape
	if shaper, ok := h.(Shaper); ok {
		s = shaper.Shape()
	}
	s.MaxRecords = cmp.Or(s.MaxRecords, c.MaxBatchRecords)
	s.MaxBytes = cmp.Or(s.MaxBytes, c.MaxBatchBytes)
	s.Window = max(cmp.Or(s.Window, c.BatchWindow), 0)
	s.Concurrency = cmp.Or(s.Concurrency, c.Concurrency)
	if s.Failure == nil {
		s.Failure = &c.Failure
	}
	return s
}

// validate returns every fault of a shape that a handler of [Config.NewHandler] asked for.
func (s Shape) validate() error {
	var v faults
	v.checkShape("NewHandler().Shape()", s)
	return errors.Join(v...)
}

func (v *faults) checkShape(field string, s Shape) {
	v.checkCount(field+".MaxRecords", s.MaxRecords)
	v.checkCount(field+".MaxBytes", s.MaxBytes)
	v.checkConcurrency(field+".Concurrency", s.Concurrency)
	if s.Failure != nil {
		v.checkFailure(field+".Failure", *s.Failure)
	}
}

func (v *faults) checkConcurrency(field string, n int) {
	v.check(n >= 0 && n <= maxConcurrency, field, "is %d; set 1 to %d, or 0 for the default", n, maxConcurrency)
}
