package dynamodb

import (
	"iter"
	"slices"
	"sort"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/dynamodb/attribute"
)

// row is a stored item under its encoded key. Items are immutable, so a row may be used after the table's lock is
// released.
type row struct {
	key  string
	item attribute.Item
	size int // of the item, in the service's bytes
}

// chunkRows bounds a chunk. Insertion moves at most this many rows and one slot per chunk; 100,000 rows make some 300
// chunks.
const chunkRows = 512

// rows is an ordered collection of rows: a list of sorted chunks, none of them empty, of which each ends before the next
// begins. The zero value is empty.
type rows struct {
	chunks [][]row
	count  int
	bytes  int // sum of the rows' sizes
}

// find returns where key is, or where it belongs.
func (r *rows) find(key string) (chunk, at int, found bool) {
	chunk = sort.Search(len(r.chunks), func(i int) bool { return r.chunks[i][0].key > key })
	if chunk > 0 {
		chunk--
	}
	if chunk == len(r.chunks) {
		return chunk, 0, false
	}
	at, found = slices.BinarySearchFunc(r.chunks[chunk], key, func(w row, key string) int {
		return strings.Compare(w.key, key)
	})
	return chunk, at, found
}

// get returns the item under key, nil if there is none.
func (r *rows) get(key string) attribute.Item {
	if c, at, found := r.find(key); found {
		return r.chunks[c][at].item
	}
	return nil
}

// put stores an item under key.
func (r *rows) put(key string, item attribute.Item) {
	w := row{key: key, item: item, size: item.Size()}
	c, at, found := r.find(key)
	r.bytes += w.size
	switch {
	case found:
		r.bytes -= r.chunks[c][at].size
		r.chunks[c][at] = w
		return
	case c == len(r.chunks):
		r.chunks = append(r.chunks, make([]row, 0, chunkRows))
	}
	r.count++
	r.chunks[c] = slices.Insert(r.chunks[c], at, w)
	if len(r.chunks[c]) == chunkRows {
		r.split(c)
	}
}

// split halves a full chunk. The upper half moves to memory of its own: two chunks in one array would overwrite each
// other when they grow.
func (r *rows) split(c int) {
	full := r.chunks[c]
	upper := append(make([]row, 0, chunkRows), full[chunkRows/2:]...)
	clear(full[chunkRows/2:])
	r.chunks[c] = full[:chunkRows/2]
	r.chunks = slices.Insert(r.chunks, c+1, upper)
}

// remove drops the item under key, if there is one.
func (r *rows) remove(key string) {
	c, at, found := r.find(key)
	if !found {
		return
	}
	r.count--
	r.bytes -= r.chunks[c][at].size
	r.chunks[c] = slices.Delete(r.chunks[c], at, at+1)
	if len(r.chunks[c]) == 0 {
		r.chunks = slices.Delete(r.chunks, c, c+1)
	}
}

// span is a range of keys: from is in it, to is not. An empty to is the end of all keys.
type span struct{ from, to string }

// contains reports whether key lies in the span.
func (s span) contains(key string) bool {
	return key >= s.from && (s.to == "" || key < s.to)
}

// in returns the rows of a span in their order, or in the opposite one.
func (r *rows) in(s span, forward bool) iter.Seq[row] {
	if forward {
		return r.ascending(s)
	}
	return r.descending(s)
}

func (r *rows) ascending(s span) iter.Seq[row] {
	return func(yield func(row) bool) {
		c, at, _ := r.find(s.from)
		for ; c < len(r.chunks); c, at = c+1, 0 {
			for _, w := range r.chunks[c][at:] {
				if !s.contains(w.key) || !yield(w) {
					return
				}
			}
		}
	}
}

func (r *rows) descending(s span) iter.Seq[row] {
	return func(yield func(row) bool) {
		c, below := len(r.chunks), 0
		if s.to != "" {
			c, below, _ = r.find(s.to)
		}
		for {
			for below > 0 {
				below--
				if w := r.chunks[c][below]; !s.contains(w.key) || !yield(w) {
					return
				}
			}
			if c--; c < 0 {
				return
			}
			below = len(r.chunks[c])
		}
	}
}
