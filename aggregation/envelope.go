package aggregation

import (
	"bytes"
	"crypto/md5"
	"math"
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

// open returns the protobuf message of an envelope, which aliases data.
func open(data []byte) ([]byte, error) {
	// The KCL takes 20 bytes and fewer for a plain record, although 20 can hold the magic and the MD5 of nothing.
	if len(data) <= Overhead || string(data[:len(Magic)]) != Magic {
		return nil, errPlain
	}
	if len(data)-Overhead > maxMessage {
		return nil, &Error{Reason: ReasonTooLarge, Record: -1}
	}
	end := len(data) - md5.Size
	body := data[len(Magic):end]
	if sum := md5.Sum(body); !bytes.Equal(sum[:], data[end:]) {
		return nil, &Error{Reason: ReasonBadChecksum, Record: -1, Offset: end}
	}
	return body, nil
}
