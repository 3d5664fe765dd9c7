package attribute

// Overheads of documents, from the service's documentation: three bytes for a list or map and one for each element.
const (
	documentOverhead = 3
	elementOverhead  = 1
)

// Size returns the bytes of the UTF-8 form.
func (s String) Size() int { return len(s) }

// Size returns the raw bytes, not those of base64.
func (b Binary) Size() int { return len(b) }

// Size returns 1.
func (Bool) Size() int { return 1 }

// Size returns 1.
func (Null) Size() int { return 1 }

// Size returns one byte for every two significant digits, one more, and one for a minus sign. Digits pair up from the
// decimal point, so an odd position of the first digit can cost half a pair.
func (n Number) Size() int {
	if n.digits == "" {
		return 1
	}
	digits := len(n.digits)
	if n.exponent%2 == 0 {
		digits++
	}
	size := 1 + (digits+1)/2
	if n.negative {
		size++
	}
	return size
}

// Size returns the sum over the members.
func (s Set) Size() int {
	size := 0
	for _, m := range s.members {
		size += m.Size()
	}
	return size
}

// Size returns the elements' sizes and their overheads.
func (l List) Size() int {
	size := documentOverhead
	for _, v := range l {
		size += elementOverhead + v.Size()
	}
	return size
}

// Size returns the sizes of names and values and their overheads.
func (m Map) Size() int {
	size := documentOverhead
	for name, v := range m {
		size += elementOverhead + len(name) + v.Size()
	}
	return size
}

// Size returns the bytes of the item's attribute names and values, which limit and capacity are counted in.
func (it Item) Size() int {
	size := 0
	for name, v := range it {
		size += len(name) + v.Size()
	}
	return size
}
