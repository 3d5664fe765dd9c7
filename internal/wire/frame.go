package wire

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A frame of an event stream is, with all numbers big-endian:
//
//	 0  length of the frame (4)
//	 4  length of the headers (4)
//	 8  CRC-32 (IEEE) of the eight bytes before (4)
//	12  headers: length of the name (1), name, kind of value (1), value
//	    payload
//	-4  CRC-32 of all before (4)
const (
	preludeLen = 12
	trailerLen = 4
	// maxFrame bounds a frame, in bytes: a record of 10 MiB in base64, and as much again.
	maxFrame = maxReply
)

// A frame is one message of an event stream.
type frame struct {
	messageType   string // ":message-type": event, exception or error
	eventType     string // ":event-type" of an event
	exceptionType string // ":exception-type" of an exception
	errorCode     string // ":error-code" of an error
	errorMessage  string // ":error-message" of an error
	contentType   string // ":content-type" of the payload

	payload []byte // aliases raw
	prelude [preludeLen]byte
	raw     []byte // all that follows the prelude
}

// readFrame reads one frame into memory of its own. The error is io.EOF itself if the stream ends before the frame begins, and a
// [*FrameError] if it ends inside or the frame is not sound.
func readFrame(r io.Reader) (*frame, error) {
	f := new(frame)
	if _, err := io.ReadFull(r, f.prelude[:]); errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &FrameError{Reason: "cut off", Err: err}
	} else if err != nil {
		return nil, err //nolint:wrapcheck // the reader's, for the caller to judge: io.EOF is not an error here
	}
	total, headers, err := f.lengths()
	if err != nil {
		return nil, err
	}
	f.raw = uncleared(total - preludeLen)
	if _, err := io.ReadFull(r, f.raw); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, &FrameError{Reason: "cut off", Err: err}
	}
	if !f.sound() {
		return nil, &FrameError{Reason: "the checksum does not match"}
	}
	end := len(f.raw) - trailerLen
	f.payload = f.raw[headers:end:end]
	return f, f.readHeaders(f.raw[:headers])
}

// lengths returns the lengths that the prelude tells. Its own checksum makes sure that no damaged length is believed.
func (f *frame) lengths() (total, headers int, err error) {
	if crc32.ChecksumIEEE(f.prelude[:8]) != binary.BigEndian.Uint32(f.prelude[8:]) {
		return 0, 0, &FrameError{Reason: "the checksum of the lengths does not match"}
	}
	all, head := binary.BigEndian.Uint32(f.prelude[:]), binary.BigEndian.Uint32(f.prelude[4:])
	switch {
	case all > maxFrame:
		return 0, 0, &FrameError{Reason: "too long", Err: ErrTooLarge}
	case all < preludeLen+trailerLen || head > all-preludeLen-trailerLen:
		return 0, 0, &FrameError{Reason: "the lengths contradict each other"}
	}
	return int(all), int(head), nil
}

// sound reports whether the checksum of the whole frame holds.
func (f *frame) sound() bool {
	end := len(f.raw) - trailerLen
	sum := crc32.Update(crc32.ChecksumIEEE(f.prelude[:]), crc32.IEEETable, f.raw[:end])
	return sum == binary.BigEndian.Uint32(f.raw[end:])
}

// headerString is the kind of a header whose value is a string, with a length of two bytes before it; so are byte strings.
const (
	headerBytes  = 6
	headerString = 7
)

// headerSize is the length of the values of the other kinds: true, false, integers of 8, 16, 32 and 64 bits, a timestamp and a UUID.
var headerSize = map[byte]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}

func (f *frame) readHeaders(b []byte) error {
	for len(b) > 0 {
		name, rest, ok := cut(b[1:], int(b[0]))
		if !ok || len(rest) == 0 {
			return errHeader
		}
		kind, rest := rest[0], rest[1:]
		size, fixed := headerSize[kind]
		if !fixed {
			if kind != headerString && kind != headerBytes || len(rest) < 2 {
				return errHeader
			}
			size, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
		}
		value, rest, ok := cut(rest, size)
		if !ok {
			return errHeader
		}
		if kind == headerString {
			f.header(name, value)
		}
		b = rest
	}
	return nil
}

var errHeader = &FrameError{Reason: "malformed headers"}

// cut splits b behind n bytes.
func cut(b []byte, n int) (head, tail []byte, ok bool) {
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

func (f *frame) header(name, value []byte) {
	switch string(name) {
	case ":message-type":
		f.messageType = known(value)
	case ":event-type":
		f.eventType = known(value)
	case ":content-type":
		f.contentType = known(value)
	case ":exception-type":
		f.exceptionType = string(value)
	case ":error-code":
		f.errorCode = string(value)
	case ":error-message":
		f.errorMessage = string(value)
	}
}

// known returns b as a string, without an allocation for the values that every event has.
func known(b []byte) string {
	switch string(b) {
	case messageEvent:
		return messageEvent
	case eventRecords:
		return eventRecords
	case contentTypeCBOR:
		return contentTypeCBOR
	case contentTypeJSON:
		return contentTypeJSON
	}
	return string(b)
}
