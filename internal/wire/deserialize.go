package wire

import (
	"fmt"
	"math"
	"math/big"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/traits"
)

// A deserializer reads a document into the SDK's generated types, as their schemas say. It serves every operation, also those
// that the SDK will learn later.
//
// Where a reply has thousands of entries, own takes over: it is offered each member of a structure before the generated code is, and
// reports whether it has consumed the value. So the bulk is read by hand, and no other member is ever lost for it.
type deserializer struct {
	cursor
	open []level  // the structures, lists, maps and unions that are open
	room [4]level // open's first memory
	own  reader
	// entries counts those of all lists and maps so far.
	entries int
}

const (
	// maxEntries bounds the entries of a document. The service sends at most 10,000 records, and takes at most 500.
	maxEntries = 1 << 16
	// anyEntries is how many there may be of any length; from then on they take up, on average, at least leastEntry bytes of the document.
	// So what they are read into stays in proportion to it. The service's have a hundred bytes and more.
	anyEntries = 1000
	leastEntry = 16
)

// bound returns how many entries there may be by the time that n more bytes of the document are consumed.
func (d *deserializer) bound(n int) int { return min(maxEntries, anyEntries+(d.pos+n)/leastEntry) }

// entry counts an entry of a list or a map, and fails if there are too many.
func (d *deserializer) entry() error {
	if d.entries++; d.entries > d.bound(0) {
		d.fail("more entries than the service sends")
	}
	return d.err
}

// A reader consumes the value of a member, and reports whether it has.
type reader func(d *deserializer, member *smithy.Schema) bool

// A level is an open structure, list, map or union.
type level struct {
	schema *smithy.Schema
	run    run
	union  bool
}

var _ smithy.ShapeDeserializer = (*deserializer)(nil)

// deserialize reads doc, a whole document, into out. Strings and blobs are out's own or alias doc, which must not change any more.
func deserialize(doc []byte, out smithy.Deserializable, own reader) error {
	return deserializeFrom(cursor{doc: doc}, out, own)
}

// deserializeFrom does so from where c stands, to its end.
func deserializeFrom(c cursor, out smithy.Deserializable, own reader) error {
	d := &deserializer{cursor: c, own: own}
	d.open = d.room[:0]
	if err := out.Deserialize(d); err != nil {
		return err
	}
	d.end()
	return d.err
}

func (d *deserializer) push(schema *smithy.Schema, r run, union bool) error {
	d.open = append(d.open, level{schema: schema, run: r, union: union})
	return d.err
}

// next reports whether the innermost level has another entry, and closes the level if not. Where it reports true with an error, the
// caller must return both: the SDK's loops look at the error only if there is an entry.
func (d *deserializer) next() (bool, error) {
	if len(d.open) == 0 {
		d.fail("an entry outside of its map or array")
		return true, d.err
	}
	if d.more(&d.open[len(d.open)-1].run) {
		return true, nil
	}
	d.open = d.open[:len(d.open)-1]
	return d.err != nil, d.err
}

// ReadStruct implements smithy.ShapeDeserializer.
func (d *deserializer) ReadStruct(s *smithy.Schema) error {
	if d.null() {
		d.depth++ // as enterMap does: the end of the level takes it back
		return d.push(s, run{}, false)
	}
	return d.push(s, d.enterMap(), false)
}

// ReadStructMember implements smithy.ShapeDeserializer.
func (d *deserializer) ReadStructMember() (*smithy.Schema, error) {
	for {
		ok, err := d.next()
		if !ok || err != nil {
			return nil, err
		}
		member := d.member(d.open[len(d.open)-1].schema)
		if member != nil && (d.own == nil || !d.own(d, member)) {
			return member, d.err
		}
	}
}

// member consumes the name of an entry, and returns the member that the schema has under it. It returns nil when the
// value is consumed as well: because it is null, or because the schema has no such member.
func (d *deserializer) member(s *smithy.Schema) *smithy.Schema {
	name := d.text()
	if d.null() {
		return nil
	}
	member := s.Member(string(name))
	if member == nil {
		member = messageOf(s, name)
	}
	if member == nil {
		d.skip()
	}
	return member
}

// messageOf finds the message of an error under the other spelling of its name: services do not agree on the case.
func messageOf(s *smithy.Schema, name []byte) *smithy.Schema {
	if _, is := smithy.SchemaTrait[*traits.Error](s); !is {
		return nil
	}
	switch string(name) {
	case "Message":
		return s.Member("message")
	case "message":
		return s.Member("Message")
	}
	return nil
}

// ReadUnion implements smithy.ShapeDeserializer: the first call opens the union, the next one closes it.
func (d *deserializer) ReadUnion(s *smithy.Schema) (*smithy.Schema, error) {
	if n := len(d.open); n == 0 || !d.open[n-1].union || d.open[n-1].schema != s {
		if d.null() {
			return nil, d.err
		}
		if err := d.push(s, d.enterMap(), true); err != nil {
			return nil, err
		}
	}
	return d.ReadStructMember()
}

// ReadList implements smithy.ShapeDeserializer.
func (d *deserializer) ReadList(s *smithy.Schema) error { return d.push(s, d.enterArray(), false) }

// ReadListItem implements smithy.ShapeDeserializer.
func (d *deserializer) ReadListItem(*smithy.Schema) (bool, error) {
	ok, err := d.next()
	if ok && err == nil {
		err = d.entry()
	}
	return ok, err
}

// ReadMap implements smithy.ShapeDeserializer.
func (d *deserializer) ReadMap(s *smithy.Schema) error { return d.push(s, d.enterMap(), false) }

// ReadMapKey implements smithy.ShapeDeserializer.
func (d *deserializer) ReadMapKey(s *smithy.Schema) (string, bool, error) {
	ok, err := d.ReadListItem(s)
	if !ok || err != nil {
		return "", ok, err
	}
	return string(d.text()), true, d.err
}

// ReadNil implements smithy.ShapeDeserializer.
func (d *deserializer) ReadNil(*smithy.Schema) (bool, error) { return d.null(), d.err }

// ReadBool implements smithy.ShapeDeserializer.
func (d *deserializer) ReadBool(_ *smithy.Schema, v *bool) error {
	*v = d.boolean()
	return d.err
}

// ReadString implements smithy.ShapeDeserializer.
func (d *deserializer) ReadString(_ *smithy.Schema, v *string) error {
	*v = string(d.text())
	return d.err
}

// ReadBlob implements smithy.ShapeDeserializer. The blob aliases the document.
func (d *deserializer) ReadBlob(_ *smithy.Schema, v *[]byte) error {
	if !d.null() {
		*v = d.blob()
	}
	return d.err
}

// ReadTime implements smithy.ShapeDeserializer.
func (d *deserializer) ReadTime(_ *smithy.Schema, v *time.Time) error {
	*v = d.timestamp()
	return d.err
}

func readWhole[T int8 | int16 | int32 | int64](d *deserializer, v *T) error {
	n := d.integer()
	if int64(T(n)) != n {
		d.fail("number out of range")
		return d.err
	}
	*v = T(n)
	return d.err
}

// ReadInt8 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadInt8(_ *smithy.Schema, v *int8) error { return readWhole(d, v) }

// ReadInt16 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadInt16(_ *smithy.Schema, v *int16) error { return readWhole(d, v) }

// ReadInt32 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadInt32(_ *smithy.Schema, v *int32) error { return readWhole(d, v) }

// ReadInt64 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadInt64(_ *smithy.Schema, v *int64) error { return readWhole(d, v) }

// ReadFloat32 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadFloat32(_ *smithy.Schema, v *float32) error {
	f := d.number()
	if math.Abs(f) > math.MaxFloat32 && !math.IsInf(f, 0) {
		d.fail("number out of range")
	}
	*v = float32(f)
	return d.err
}

// ReadFloat64 implements smithy.ShapeDeserializer.
func (d *deserializer) ReadFloat64(_ *smithy.Schema, v *float64) error {
	*v = d.number()
	return d.err
}

// ReadBigInt implements smithy.ShapeDeserializer. The model of Kinesis has no such type.
func (d *deserializer) ReadBigInt(s *smithy.Schema, _ *big.Int) error { return unsupported(s) }

// ReadBigFloat implements smithy.ShapeDeserializer. The model of Kinesis has no such type.
func (d *deserializer) ReadBigFloat(s *smithy.Schema, _ *big.Float) error { return unsupported(s) }

// ReadDocument implements smithy.ShapeDeserializer. The model of Kinesis has no such type.
func (d *deserializer) ReadDocument(s *smithy.Schema, _ *document.Value) error { return unsupported(s) }

func unsupported(s *smithy.Schema) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, s.ID())
}
