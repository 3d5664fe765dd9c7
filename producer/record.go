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

// record is a Record on its way.
type record struct {
	partitionKey string
	hashKey      string // the explicit hash key, canonical; or empty
	hash         hashkey.Key
	data         []byte // nil while the payload stands in an aggregate
	size         int    // bytes reserved in the buffer: data and keys
	expires      moment
	done         func(Result)
	gen          *generation
	share        *share // of its shard, as of its Put; nil if there is none
	past         *past  // nil if it has always been in one entry
}

// past is what became of a record in entries that were taken apart since.
type past struct {
	attempts []Attempt
	tries    int  // how many there were
	maybe    bool // one of them may have stored it
}

// check judges a record by what is known without the stream, and works out where it belongs.
func (k *keyHashes) check(r *Record) (record, error) {
	if r.PartitionKey == "" {
		return record{}, ErrEmptyKey
	}
	if len(r.PartitionKey) > maxKeyCharacters && utf8.RuneCountInString(r.PartitionKey) > maxKeyCharacters {
		return record{}, ErrKeyTooLong
	}
	if !utf8.ValidString(r.PartitionKey) {
		return record{}, ErrKeyNotUTF8
	}
	rec := record{partitionKey: r.PartitionKey, size: len(r.Data) + len(r.PartitionKey) + len(r.ExplicitHashKey)}
	if r.ExplicitHashKey == "" {
		rec.hash = k.of(r.PartitionKey)
		return rec, nil
	}
	var err error
	if rec.hash, err = hashkey.Parse(r.ExplicitHashKey); err != nil {
		return record{}, ErrBadHashKey
	}
	rec.hashKey = r.ExplicitHashKey
	if len(rec.hashKey) > 1 && strings.HasPrefix(rec.hashKey, "0") {
		rec.hashKey = rec.hash.String() // the service refuses leading zeros
	}
	return rec, nil
}

// wireSize returns how large the record is on its own, by the service's measure: data and partition key. Data that is an aggregate
// itself is wrapped in another one, since consumers unpack one level, unless wrapping is off.
func wireSize(rec *record, data []byte, wrap bool) int {
	if wrap && aggregation.IsAggregated(data) {
		var alone aggregation.Encoder
		return alone.SizeWith(rec.partitionKey, rec.hashKey, len(data)) + len(aggregateKey)
	}
	return len(data) + len(rec.partitionKey)
}
