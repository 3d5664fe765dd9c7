package kinesis

import (
	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// number returns the whole number at the cursor of d.
func number(d wire.Decoder) *int64 {
	n := d.Int()
	return &n
}

// The limits of the service's model.
const (
	maxNameLen         = 128
	maxARNLen          = 2048
	maxPartitionKeyLen = 256 // characters
	maxEntries         = 500 // of PutRecords
	kib                = 1 << 10
	mib                = 1 << 20
	defaultRecordKiB   = 1024
	largestRecordKiB   = 10240
	maxPutBytes        = 10 * mib // of PutRecords, keys included
)

// checkName checks a stream, consumer or shard name that must be there.
func checkName(member string, v *string) error {
	if v == nil {
		return invalid(member, "must not be null")
	}
	return checkOptionalName(member, v)
}

func checkOptionalName(member string, v *string) error {
	if v == nil {
		return nil
	}
	if n := len(*v); n < 1 || n > maxNameLen {
		return invalid(member, "must have a length of 1 to %d", maxNameLen)
	}
	for _, c := range []byte(*v) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return invalid(member, "value %q does not match [a-zA-Z0-9_.-]+", *v)
		}
	}
	return nil
}

// checkRange checks a number, if it is there.
func checkRange(member string, v *int64, lo, hi int64) error {
	if v != nil && (*v < lo || *v > hi) {
		return invalid(member, "value %d is not between %d and %d", *v, lo, hi)
	}
	return nil
}

// checkRequired checks that a text is there.
func checkRequired(member string, v *string) error {
	if v == nil {
		return invalid(member, "must not be null")
	}
	return nil
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// or returns the value v points to, or def if there is none.
func or[T any](v *T, def T) T {
	if v == nil {
		return def
	}
	return *v
}
