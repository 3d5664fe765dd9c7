package producer

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/penstock-go/penstock/aggregation"
	"github.com/penstock-go/penstock/internal/hashkey"
)

// Record is what a user puts.
type Record struct {
	// PartitionKey decides the shard, unless ExplicitHashKey is set: 1 to 256 Unicode characters.
	PartitionKey string
	// ExplicitHashKey is the hash key to use in place of the partition key's MD5: a decimal number from 0 to 2^128-1, or empty.
	ExplicitHashKey string
	// Data is the payload; it may be empty. With the partition key it must not be larger than the stream's maximum record size. The
	// caller may reuse it as soon as Put returns.
	Data []byte
}

// moment is a time as the duration since the producer was made: monotonic, and a third of a time.Time's size.
type moment = time.Duration

// record is a Record on its way. There is one for each record that waits, mostly in memory that no cache holds: so it has nothing that stands
// in the entry's payload, too.
type record struct {
	partitionKey string
	hash         hashkey.Key
	expires      moment
	done         func(Result)
	gen          *generation
	share        *share // of its shard, as of its Put; nil if there is none
	past         *past  // nil if it has always been in one entry
	size         int32  // bytes reserved in the buffer: data and keys
	explicit     bool   // hash is the explicit hash key
}

// past is what a record brings along from entries that were taken apart.
type past struct {
	data     []byte // the payload, until it stands in another entry
	attempts []Attempt
	tries    int  // how many there were
	maybe    bool // one of them may have stored it
}

// content returns what was put, of a record that has been taken out of its entry.
func (r *record) content() Record { return r.with(r.past.data) }

// takeContent is content for a record that goes into another entry, where its payload stands from now on.
func (r *record) takeContent() Record {
	content := r.content()
	if r.past.data = nil; r.past.tries == 0 {
		r.past = nil
	}
	return content
}

// with returns what was put, given the payload. The explicit hash key is written as the service wants it, without leading zeros.
func (r *record) with(data []byte) Record {
	content := Record{PartitionKey: r.partitionKey, Data: data}
	if r.explicit {
		content.ExplicitHashKey = r.hash.String()
	}
	return content
}

// check judges a record by what is known without the stream, and works out where it belongs. It takes leading zeros from the explicit hash key,
// which the service refuses.
func (k *keyHashes) check(rec *record, r *Record) error {
	if r.PartitionKey == "" {
		return ErrEmptyKey
	}
	if len(r.PartitionKey) > maxKeyCharacters && utf8.RuneCountInString(r.PartitionKey) > maxKeyCharacters {
		return ErrKeyTooLong
	}
	if !utf8.ValidString(r.PartitionKey) {
		return ErrKeyNotUTF8
	}
	rec.partitionKey = r.PartitionKey
	rec.size = int32(len(r.Data) + len(r.PartitionKey) + len(r.ExplicitHashKey))
	if r.ExplicitHashKey == "" {
		rec.hash = k.of(r.PartitionKey)
		return nil
	}
	var err error
	if rec.hash, err = hashkey.Parse(r.ExplicitHashKey); err != nil {
		return ErrBadHashKey
	}
	rec.explicit = true
	if len(r.ExplicitHashKey) > 1 && strings.HasPrefix(r.ExplicitHashKey, "0") {
		r.ExplicitHashKey = rec.hash.String()
	}
	return nil
}

// wireSize returns how large the record is on its own, by the service's measure: data and partition key. Data that is an aggregate
// itself is wrapped in another one, since consumers unpack one level, unless wrapping is off.
func wireSize(r *Record, wrap bool) int {
	if wrap && aggregation.IsAggregated(r.Data) {
		var alone aggregation.Encoder
		return alone.SizeWith(r.PartitionKey, r.ExplicitHashKey, len(r.Data)) + len(aggregateKey)
	}
	return len(r.Data) + len(r.PartitionKey)
}
