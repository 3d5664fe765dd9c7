package kinesis

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"
)

// An iterator is what a shard iterator stands for. Clients see it as an opaque text: base64 of the fields below with a
// checksum, so that one that was damaged or made up is told from one that has expired.
type iterator struct {
	issued   int64 // milliseconds
	streamID uint64
	shard    uint32
	ordinal  int64  // of the next record to read
	epoch    uint32 // of the shard when it was issued
	stream   string
}

const (
	iteratorLifetime = 5 * time.Minute
	iteratorHead     = 8 + 8 + 4 + 8 + 4
)

func (it iterator) String() string {
	b := make([]byte, 0, iteratorHead+len(it.stream)+crc32.Size)
	b = binary.BigEndian.AppendUint64(b, uint64(it.issued))
	b = binary.BigEndian.AppendUint64(b, it.streamID)
	b = binary.BigEndian.AppendUint32(b, it.shard)
	b = binary.BigEndian.AppendUint64(b, uint64(it.ordinal))
	b = binary.BigEndian.AppendUint32(b, it.epoch)
	b = append(b, it.stream...)
	return sealed(b)
}

func parseIterator(text string) (it iterator, ok bool) {
	b, ok := unseal(text)
	if !ok || len(b) < iteratorHead {
		return it, false
	}
	return iterator{
		issued:   int64(binary.BigEndian.Uint64(b)),
		streamID: binary.BigEndian.Uint64(b[8:]),
		shard:    binary.BigEndian.Uint32(b[16:]),
		ordinal:  int64(binary.BigEndian.Uint64(b[20:])),
		epoch:    binary.BigEndian.Uint32(b[28:]),
		stream:   string(b[iteratorHead:]),
	}, true
}

// sealed returns b with its checksum as text.
func sealed(b []byte) string {
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.StdEncoding.EncodeToString(b)
}

// unseal is the inverse of sealed.
func unseal(text string) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < crc32.Size {
		return nil, false
	}
	b, sum := b[:len(b)-crc32.Size], b[len(b)-crc32.Size:]
	return b, binary.BigEndian.Uint32(sum) == crc32.ChecksumIEEE(b)
}

// A listToken is what a NextToken of ListShards or ListStreamConsumers stands for: lines of text, sealed. The service says
// that a token is valid for 300 seconds.
type listToken struct {
	issued int64    // milliseconds
	lines  []string // what the operation needs to go on
}

const tokenSeparator = "\n" // no name, ARN or number has one

func (t listToken) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(t.issued))
	return sealed(append(b, strings.Join(t.lines, tokenSeparator)...))
}

// parseListToken reads a token with the given number of lines.
func parseListToken(text string, lines int) (listToken, error) {
	b, ok := unseal(text)
	if !ok || len(b) < 8 {
		return listToken{}, invalidArgument("NextToken is invalid")
	}
	t := listToken{int64(binary.BigEndian.Uint64(b)), strings.Split(string(b[8:]), tokenSeparator)}
	if len(t.lines) != lines {
		return listToken{}, invalidArgument("NextToken is invalid")
	}
	if millis()-t.issued > tokenLifetime.Milliseconds() {
		return listToken{}, clientFault("ExpiredNextTokenException", "NextToken has expired")
	}
	return t, nil
}
