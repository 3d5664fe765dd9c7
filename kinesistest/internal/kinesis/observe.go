package kinesis

import (
	"context"

	"github.com/penstock-go/penstock/kinesistest/internal/caller"
)

// An Observer is told what happens to streams. A nil function is not called. Functions may be called with locks of the service
// held: they must return at once and ask nothing of it. The byte slices are the service's: not to be changed.
type Observer struct {
	Stored     func(Stored)
	Resharded  func(Resharded)
	Served     func(Served)
	Subscribed func(Subscribed)
}

// Stored is one record that was accepted. Those of a shard are told in the order of their sequence numbers.
type Stored struct {
	Stream, Shard, SequenceNumber string
	PartitionKey, Data            []byte
	ExplicitHashKey               string // "" for none
	Caller                        string
	Arrival                       int64 // milliseconds
}

// Resharded is one change of a stream's open shards. A stream's creation is one without parents.
type Resharded struct {
	Stream   string
	Parents  []string
	Children []Child
	At       int64 // milliseconds
}

// A Child is a shard that opened. Adjacent is its second parent.
type Child struct{ ID, Parent, Adjacent, StartingHashKey, EndingHashKey string }

// Served is what one GetRecords call or one event of a subscription gave to a reader. First and Last are sequence numbers, ""
// if there was no record.
type Served struct {
	Stream, Shard, Consumer, Caller string // Consumer is the ARN of the subscription's, "" for GetRecords
	First, Last                     string
	Records                         int
	At                              int64 // milliseconds
}

// Subscribed is the beginning or the end of a subscription.
type Subscribed struct {
	Stream, Shard, Consumer, Caller string
	Ended                           bool
	At                              int64 // milliseconds
}

// observeStored tells about the record that was just appended with the given number; hash is its explicit hash key.
func (st *stream) observeStored(ctx context.Context, s *shard, r *record, hash []byte, number sequenceNumber, at int64) {
	if st.observer.Stored != nil {
		st.observer.Stored(Stored{
			Stream: st.name, Shard: s.id, SequenceNumber: number.String(), PartitionKey: r.key(), Data: r.data(),
			ExplicitHashKey: string(hash), Caller: caller.Of(ctx), Arrival: at,
		})
	}
}

// observeShards tells about shards that opened, in the place of parents if there are any.
func (st *stream) observeShards(parents, opened []*shard, at int64) {
	if st.observer.Resharded == nil {
		return
	}
	e := Resharded{Stream: st.name, At: at}
	for _, p := range parents {
		e.Parents = append(e.Parents, p.id)
	}
	for _, c := range opened {
		e.Children = append(e.Children, Child{c.id, c.parent, c.adjacent, c.from.String(), c.to.String()})
	}
	st.observer.Resharded(e)
}

// observeServed tells what a reader got; consumer is the ARN of a subscription's.
func (st *stream) observeServed(ctx context.Context, s *shard, consumer string, v view, now int64) {
	if st.observer.Served == nil {
		return
	}
	e := Served{Stream: st.name, Shard: s.id, Consumer: consumer, Caller: caller.Of(ctx), Records: v.len(), At: now}
	if v.len() > 0 {
		e.First = s.sequence(v.from, v.at(v.from).at).String()
		e.Last = s.sequence(v.to-1, v.at(v.to-1).at).String()
	}
	st.observer.Served(e)
}

// observeSubscription tells that a subscription begins, and returns what tells that it has ended.
func (st *stream) observeSubscription(ctx context.Context, s *shard, consumer string) (ended func()) {
	if st.observer.Subscribed == nil {
		return func() {}
	}
	e := Subscribed{Stream: st.name, Shard: s.id, Consumer: consumer, Caller: caller.Of(ctx), At: millis()}
	st.observer.Subscribed(e)
	return func() {
		e.Ended, e.At = true, millis()
		st.observer.Subscribed(e)
	}
}
