package aggregation

import (
	"bytes"
	"crypto/md5"
	"math"

	"github.com/penstock-go/penstock/internal/checksum"
)

// Magic is the four bytes that every aggregated record begins with.
const Magic = "\xf3\x89\x9a\xc2"

// Overhead is the number of bytes that the envelope adds to the protobuf message: the magic before it, the MD5 after it.
const Overhead = len(Magic) + md5.Size

// maxMessage is the largest size in bytes of a protobuf message, by the definition of protobuf. Offsets into a message
// fit a uint32 because of it.
const maxMessage = math.MaxInt32

// IsAggregated reports whether data is an aggregate's envelope: it begins with [Magic], has a message that is not empty, and
// ends with the MD5 of that message. It does not look into the message, so [Decode] may still refuse it. It costs one MD5
// pass over data that begins with the magic, and nothing for other data.
//
// A producer that is about to send a payload on its own can ask this first: consumers would take such a payload apart. Wrapped
// in an aggregate of one record, it arrives as it is, since only one level is unpacked.
func IsAggregated(data []byte) bool {
	_, err := open(data)
	return err == nil
}

// Envelope is what the data of a Kinesis record has turned out to be: an aggregate's envelope, or none. It aliases the data, which must not
// change as long as the Envelope is used. The zero value is that of a plain record.
type Envelope struct {
	message []byte
	err     error
}

// atOnce is how many checksums are asked for at a time: more than there are computed side by side, since some are done sooner.
const atOnce = 32

// OpenAll appends to dst what [Decoder.ResetTo] takes, for the data of several Kinesis records in their order. It looks at each as [IsAggregated]
// does, but all checksums together cost a fraction of what they cost one after the other.
func OpenAll(dst []Envelope, data ...[]byte) []Envelope {
	var messages [atOnce][]byte
	var of [atOnce]int // the record of each
	var sums [atOnce][md5.Size]byte
	for len(data) > 0 {
		n, sealed := min(len(data), atOnce), 0
		for i, d := range data[:n] {
			message, err := unseal(d)
			dst = append(dst, Envelope{message, err})
			if err == nil {
				messages[sealed], of[sealed] = message, i
				sealed++
			}
		}
		checksum.Sums(sums[:], messages[:sealed])
		for i, record := range of[:sealed] {
			dst[len(dst)-n+record] = check(data[record], messages[i], &sums[i])
		}
		data = data[n:]
	}
	return dst
}

// open returns the protobuf message of an envelope, which aliases data.
func open(data []byte) ([]byte, error) {
	message, err := unseal(data)
	if err != nil {
		return nil, err
	}
	sum := md5.Sum(message)
	e := check(data, message, &sum)
	return e.message, e.err
}

// unseal returns what stands where the message of an envelope would, without a look at the checksum.
func unseal(data []byte) ([]byte, error) {
	// The KCL takes 20 bytes and fewer for a plain record, although 20 can hold the magic and the MD5 of nothing.
	if len(data) <= Overhead || string(data[:len(Magic)]) != Magic {
		return nil, errPlain
	}
	if len(data)-Overhead > maxMessage {
		return nil, &Error{Reason: ReasonTooLarge, Record: -1}
	}
	return data[len(Magic) : len(data)-md5.Size], nil
}

// check compares the checksum of a message with the one that stands behind it.
func check(data, message []byte, sum *[md5.Size]byte) Envelope {
	if end := len(data) - md5.Size; !bytes.Equal(sum[:], data[end:]) {
		return Envelope{nil, &Error{Reason: ReasonBadChecksum, Record: -1, Offset: end}}
	}
	return Envelope{message, nil}
}
