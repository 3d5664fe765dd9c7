package wire

import "encoding/binary"

// The head of a CBOR item: three bits of major type and five of argument (RFC 8949, section 3).
const (
	majorUnsigned = 0 << 5
	majorNegative = 1 << 5
	majorBytes    = 2 << 5
	majorText     = 3 << 5
	majorArray    = 4 << 5
	majorMap      = 5 << 5
	majorTag      = 6 << 5
	majorSimple   = 7 << 5

	majorMask    = 7 << 5
	argumentMask = 31

	// indefinite in place of an argument: the length is not given, and a break ends the item.
	indefinite = 31

	headUint64    = majorUnsigned | 27
	headFalse     = majorSimple | 20
	headTrue      = majorSimple | 21
	headNull      = majorSimple | 22
	headUndefined = majorSimple | 23
	headFloat16   = majorSimple | 25
	headFloat32   = majorSimple | 26
	headFloat64   = majorSimple | 27
	headBreak     = majorSimple | 31

	// tagTimestamp marks a timestamp. RFC 8949 means seconds by it; Kinesis and the AWS SDK for Java, whose Kinesis client
	// has always spoken CBOR, write whole milliseconds.
	tagTimestamp = majorTag | 1
)

// appendHead appends the shortest head that holds the argument n.
func appendHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major|byte(n))
	case n < 1<<8:
		return append(dst, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major|27), n)
}

// appendInteger appends n as a whole number of either sign.
func appendInteger(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHead(dst, majorNegative, uint64(-(n + 1)))
	}
	return appendHead(dst, majorUnsigned, uint64(n))
}

// appendText appends s as a text string.
func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}
