package aggregation

import "hash/maphash"

// table is one of the two key tables, with an index of its keys: a hash table with open addressing, half of which is empty at least. It has no
// pointers to the keys, but finds them in the encoded fields.
type table struct {
	encoded []byte   // the table's fields, encoded
	ends    []uint32 // where each field ends in encoded
	slots   []slot   // a power of two of them, or none

	// The last answer of find: a producer asks for the size with a record and then adds that record, and often the next one has
	// the same key. Comparing is much cheaper than a lookup.
	lastKey   string
	lastIndex int
	lastHash  uint32
}

// slot is a key in the index. The zero value is an empty slot.
type slot struct {
	hash   uint32
	number uint32 // the key's index and one
}

// fewestSlots is the size of the smallest index.
const fewestSlots = 64

var hashSeed = maphash.MakeSeed()

// find returns the index of key, which is not empty, and whether it is one that key would get only by being added.
func (t *table) find(key string) (index int, isNew bool) {
	if key != t.lastKey {
		t.lastKey, t.lastHash = key, uint32(maphash.String(hashSeed, key))
		t.lastIndex = t.look(key, t.lastHash)
	}
	return t.lastIndex, t.lastIndex == len(t.ends)
}

// look returns the index of key, or the number of keys if it is none of them.
func (t *table) look(key string, hash uint32) int {
	if len(t.slots) == 0 {
		return 0
	}
	last := uint32(len(t.slots) - 1)
	for at := hash & last; t.slots[at].number != 0; at = (at + 1) & last {
		if s := t.slots[at]; s.hash == hash && t.holds(int(s.number-1), key) {
			return int(s.number - 1)
		}
	}
	return len(t.ends)
}

// holds reports whether key is the one with the index.
func (t *table) holds(index int, key string) bool {
	start, end := 0, int(t.ends[index])
	if index > 0 {
		start = int(t.ends[index-1])
	}
	return end-start == bytesSize(len(key)) && string(t.encoded[end-len(key):end]) == key
}

// add adds key, which find has just said to be new. The remembered answer stays true: it is the index that key now has.
func (t *table) add(tag byte, key string) {
	if 2*len(t.ends) >= len(t.slots) {
		t.grow()
	}
	t.encoded = appendKey(t.encoded, tag, key)
	t.ends = append(t.ends, uint32(len(t.encoded)))
	t.enter(slot{hash: t.lastHash, number: uint32(len(t.ends))})
}

// enter puts a key that the index does not have into it.
func (t *table) enter(s slot) {
	last := uint32(len(t.slots) - 1)
	at := s.hash & last
	for t.slots[at].number != 0 {
		at = (at + 1) & last
	}
	t.slots[at] = s
}

// grow doubles the index.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(fewestSlots, 2*len(old)))
	for _, s := range old {
		if s.number != 0 {
			t.enter(s)
		}
	}
}

func (t *table) reset() {
	clear(t.slots)
	t.encoded, t.ends = t.encoded[:0], t.ends[:0]
	t.lastKey, t.lastIndex, t.lastHash = "", 0, 0
}
