package kinesistest

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb"
	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis"
	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// WithOracle makes the Server write down what it does: every record that it stores, every reshard, every change of a row, every
// read and subscription. Limit bounds how many entries of each kind are kept, the newest; 0 keeps all. An entry takes a few hundred
// bytes, whatever the record's size.
func WithOracle(limit int) Option {
	return func(c *config) { c.oracle = oracle.NewLog(limit) }
}

// Oracle returns what the Server has written down, nil if it was not made [WithOracle].
func (s *Server) Oracle() *oracle.Log { return s.cfg.oracle }

// observer tells the log what happens to streams.
func (c *config) observer() kinesis.Observer {
	log := c.oracle
	if log == nil {
		return kinesis.Observer{}
	}
	return kinesis.Observer{
		Stored: func(e kinesis.Stored) {
			r := oracle.Record{
				Place:           oracle.Place{Stream: e.Stream, Shard: e.Shard, SequenceNumber: e.SequenceNumber},
				ExplicitHashKey: e.ExplicitHashKey, Size: len(e.PartitionKey) + len(e.Data), Data: oracle.DigestOf(e.Data),
				Caller: e.Caller, Arrival: time.UnixMilli(e.Arrival),
			}
			if len(e.PartitionKey) > 0 {
				r.Key = oracle.DigestOf(e.PartitionKey)
			}
			log.Record(r)
		},
		Resharded: func(e kinesis.Resharded) { log.Reshard(reshard(e)) },
		Served: func(e kinesis.Served) {
			log.Read(oracle.Read{
				Stream: e.Stream, Shard: e.Shard, Consumer: e.Consumer, Caller: e.Caller,
				First: e.First, Last: e.Last, Records: e.Records, At: time.UnixMilli(e.At),
			})
		},
		Subscribed: func(e kinesis.Subscribed) {
			log.Subscription(oracle.Subscription{
				Stream: e.Stream, Shard: e.Shard, Consumer: e.Consumer, Caller: e.Caller, Ended: e.Ended, At: time.UnixMilli(e.At),
			})
		},
	}
}

func reshard(e kinesis.Resharded) oracle.Reshard {
	r := oracle.Reshard{Stream: e.Stream, Parents: e.Parents, At: time.UnixMilli(e.At)}
	for _, c := range e.Children {
		r.Children = append(r.Children, oracle.Shard{
			ID: c.ID, Parent: c.Parent, AdjacentParent: c.Adjacent,
			StartingHashKey: c.StartingHashKey, EndingHashKey: c.EndingHashKey,
		})
	}
	return r
}

// observeWrite returns what tells the log about changes of rows, nil without a log.
func (c *config) observeWrite() func(dynamodb.Write) {
	log := c.oracle
	if log == nil {
		return nil
	}
	return func(e dynamodb.Write) {
		log.RowWrite(oracle.RowWrite{
			Table: e.Table, Key: e.Key, Caller: e.Caller, Before: row(e.Before), After: row(e.After), At: e.At,
		})
	}
}

// row returns an item as the log keeps it.
func row(item attribute.Item) oracle.Row {
	if item == nil {
		return nil
	}
	r := make(oracle.Row, len(item))
	for name, value := range item {
		r[name] = attribute.Plain(value)
	}
	return r
}
