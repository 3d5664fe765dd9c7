package checkpoint

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Inclusive is the sub-sequence number that stands before the first user record of a Kinesis record.
const Inclusive = -1

// maxDigits is the longest sequence number that the service's documentation allows.
const maxDigits = 129

// kind orders the sorts of positions; its values follow the KCL's order.
type kind int8

const (
	atTimestamp kind = iota - 1
	trimHorizon      // zero: a Position nobody set starts at the beginning and loses nothing
	latest
	sequence
	shardEnd
)

var sentinels = map[kind]string{
	atTimestamp: "AT_TIMESTAMP", trimHorizon: "TRIM_HORIZON", latest: "LATEST", shardEnd: "SHARD_END",
}

// Position is a place in a shard. It is a small value, comparable with ==; its zero value is [TrimHorizon].
type Position struct {
	digits string // the sequence number without leading zeros; "" for a sentinel
	sub    int64
	kind   kind
}

// The sentinels. They are values: do not assign to them.
var (
	// TrimHorizon stands before the oldest record that the stream still has.
	TrimHorizon = Position{kind: trimHorizon}
	// Latest stands behind the newest record at the moment of reading.
	Latest = Position{kind: latest}
	// AtTimestamp stands before the first record at or after a time that is kept elsewhere.
	AtTimestamp = Position{kind: atTimestamp}
	// ShardEnd stands behind the last record of a shard that was split or merged.
	ShardEnd = Position{kind: shardEnd}
)

// At returns the position at which user record subSequence of the Kinesis record sequenceNumber is done; [Inclusive] stands
// before its first. The number must be decimal, of at most 129 digits. The error is [ErrPosition].
func At(sequenceNumber string, subSequence int64) (Position, error) {
	if !decimal(sequenceNumber) {
		return Position{}, fmt.Errorf("%w: sequence number of %d bytes is not decimal", ErrPosition, len(sequenceNumber))
	}
	if subSequence < Inclusive {
		return Position{}, fmt.Errorf("%w: sub-sequence number %d", ErrPosition, subSequence)
	}
	return Position{kind: sequence, digits: canonical(sequenceNumber), sub: subSequence}, nil
}

func decimal(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != "" && len(text) <= maxDigits
}

func canonical(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" {
		return trimmed
	}
	return "0"
}

// Parse reads the two attributes under which the KCL stores a position: a sequence number or the name of a sentinel, and the
// sub-sequence number. A sentinel's sub-sequence number is ignored, as it has no meaning. The error is [ErrPosition].
func Parse(text string, subSequence int64) (Position, error) {
	for kind, name := range sentinels {
		if text == name {
			return Position{kind: kind}, nil
		}
	}
	return At(text, subSequence)
}

// Sentinel reports whether the position is one of the four that are no sequence number.
func (p Position) Sentinel() bool { return p.kind != sequence }

// SequenceNumber returns the sequence number, or "" for a sentinel.
func (p Position) SequenceNumber() string { return p.digits }

// SubSequence returns the sub-sequence number; a sentinel has 0.
func (p Position) SubSequence() int64 { return p.sub }

// WithSubSequence returns the position inside the same Kinesis record at which its user record n is done, or at [Inclusive] none. Of a
// sentinel it returns the sentinel.
func (p Position) WithSubSequence(n int64) Position {
	if p.kind == sequence {
		p.sub = max(n, Inclusive)
	}
	return p
}

// Text returns what the KCL stores in its attribute "checkpoint": the sequence number or the sentinel's name.
func (p Position) Text() string {
	if p.kind == sequence {
		return p.digits
	}
	return sentinels[p.kind]
}

// String returns the position for logs: the sequence number, with "/sub" behind it where the sub-sequence number is not 0.
func (p Position) String() string {
	if p.sub == 0 {
		return p.Text()
	}
	return p.Text() + "/" + strconv.FormatInt(p.sub, 10)
}

// Compare returns -1, 0 or +1 as p is before, at or behind q in the KCL's total order.
func (p Position) Compare(q Position) int {
	if c := cmp.Compare(p.kind, q.kind); c != 0 {
		return c
	}
	// Numbers without leading zeros: the longer is the larger. They have 186 bits, so no integer type takes them.
	if c := cmp.Compare(len(p.digits), len(q.digits)); c != 0 {
		return c
	}
	if c := strings.Compare(p.digits, q.digits); c != 0 {
		return c
	}
	return cmp.Compare(p.sub, q.sub)
}

// Covers reports whether user record subSequence of the Kinesis record that stands at sequenceNumber is done at p. A sentinel
// covers nothing, but [ShardEnd] covers everything. A text that is no sequence number is never covered: what cannot be read was not
// done.
func (p Position) Covers(sequenceNumber string, subSequence uint64) bool {
	if p.kind != sequence {
		return p.kind == shardEnd
	}
	if subSequence > math.MaxInt64 || !decimal(sequenceNumber) {
		return false
	}
	record := Position{kind: sequence, digits: canonical(sequenceNumber), sub: int64(subSequence)}
	return record.Compare(p) <= 0
}
