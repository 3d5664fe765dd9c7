package attribute

// Kind names an attribute type. Its text is the type's descriptor on the wire.
type Kind string

// The ten attribute types.
const (
	KindString    Kind = "S"
	KindNumber    Kind = "N"
	KindBinary    Kind = "B"
	KindBool      Kind = "BOOL"
	KindNull      Kind = "NULL"
	KindMap       Kind = "M"
	KindList      Kind = "L"
	KindStringSet Kind = "SS"
	KindNumberSet Kind = "NS"
	KindBinarySet Kind = "BS"
)

// Valid reports whether k is one of the ten types.
func (k Kind) Valid() bool {
	switch k {
	case KindString, KindNumber, KindBinary, KindBool, KindNull,
		KindMap, KindList, KindStringSet, KindNumberSet, KindBinarySet:
		return true
	default:
		return false
	}
}

// Name returns the long name that the service uses in messages about update actions.
func (k Kind) Name() string {
	switch k {
	case KindString:
		return "STRING"
	case KindNumber:
		return "NUMBER"
	case KindBinary:
		return "BINARY"
	case KindBool:
		return "BOOLEAN"
	case KindNull:
		return "NULL"
	case KindMap:
		return "MAP"
	case KindList:
		return "LIST"
	case KindStringSet:
		return "STRING_SET"
	case KindNumberSet:
		return "NUMBER_SET"
	case KindBinarySet:
		return "BINARY_SET"
	default:
		return string(k)
	}
}

// Scalar reports whether a key attribute may be of this type.
func (k Kind) Scalar() bool {
	return k == KindString || k == KindNumber || k == KindBinary
}

// Value is one attribute value: a String, Number, Binary, Bool, Null, Map, List or Set. Values are immutable.
type Value interface {
	// Kind returns the type descriptor.
	Kind() Kind
	// Size returns the bytes that the service counts for the value, without its attribute's name.
	Size() int
	// appendJSON appends the wire form, type descriptor included. It also seals the interface.
	appendJSON(dst []byte) []byte
}

type (
	// String is a Unicode string.
	String string
	// Binary is a byte string; a Go string, because values are immutable.
	Binary string
	// Bool is a truth value.
	Bool bool
	// Null is the one value of the type NULL.
	Null struct{}
	// Map is a document: attribute names to values.
	Map map[string]Value
	// List is an ordered collection of values of any types.
	List []Value
)

// Item is a whole row: attribute names to values. It encodes without the type descriptor that a nested Map has.
type Item map[string]Value

// Kind returns KindString.
func (String) Kind() Kind { return KindString }

// Kind returns KindBinary.
func (Binary) Kind() Kind { return KindBinary }

// Kind returns KindBool.
func (Bool) Kind() Kind { return KindBool }

// Kind returns KindNull.
func (Null) Kind() Kind { return KindNull }

// Kind returns KindMap.
func (Map) Kind() Kind { return KindMap }

// Kind returns KindList.
func (List) Kind() Kind { return KindList }

// Depth returns how many lists and maps v nests: 0 for anything else.
func Depth(v Value) int {
	deepest := 0
	switch v := v.(type) {
	case Map:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	case List:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	default:
		return 0
	}
	return deepest + 1
}
