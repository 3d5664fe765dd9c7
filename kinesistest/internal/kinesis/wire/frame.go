package wire

import (
	"encoding/binary"
	"hash/crc32"
)

// A frame of "application/vnd.amazon.eventstream" is, big-endian:
//
//	4 bytes  length of the whole frame
//	4 bytes  length of the headers
//	4 bytes  CRC-32 (IEEE) of the eight bytes above
//	         headers: length of the name (1), name, type (1), length of the value (2), value
//	         payload
//	4 bytes  CRC-32 of everything above
const (
	preludeLen   = 12
	trailerLen   = 4
	headerString = 7
)

// A Header is one header of a frame. Its value is a string, the only type that Kinesis uses.
type Header struct{ Name, Value string }

// BeginFrame appends the start of a frame to dst; the caller appends the payload and passes start to EndFrame. So
// a large payload is written once, where it belongs.
func BeginFrame(dst []byte, headers []Header) (frame []byte, start int) {
	start = len(dst)
	dst = append(dst, make([]byte, preludeLen)...)
	for _, h := range headers {
		dst = append(dst, byte(len(h.Name)))
		dst = append(dst, h.Name...)
		dst = append(dst, headerString)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(h.Value)))
		dst = append(dst, h.Value...)
	}
	binary.BigEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-preludeLen))
	return dst, start
}

// EndFrame completes the frame that starts at start and ends at the end of dst.
func EndFrame(dst []byte, start int) []byte {
	frame := dst[start:]
	binary.BigEndian.PutUint32(frame, uint32(len(frame)+trailerLen))
	binary.BigEndian.PutUint32(frame[8:], crc32.ChecksumIEEE(frame[:8]))
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(frame))
}
