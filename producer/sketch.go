package producer

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// keysWatched is how many keys a sketch holds: every key with more than a thirty-second of the bytes is among them.
const keysWatched = 32

// keySeed makes hashes of keys that mean nothing outside this process.
var keySeed = maphash.MakeSeed()

// sketch finds the keys with the most bytes in fixed memory, by the space-saving algorithm: a key that is not held takes the place of the
// least one and inherits its count, as its possible error. So a count is never too low, and too high by at most its error.
type sketch struct {
	total float64
	held  [keysWatched]counter
}

type counter struct {
	hash         uint64
	bytes, error float64
	key          []byte // its memory is used again; a string would keep alive what it was cut from
}

// add counts bytes of a key.
func (s *sketch) add(key string, bytes float64) {
	s.total += bytes
	hash := maphash.String(keySeed, key)
	least := 0
	for i := range s.held {
		c := &s.held[i]
		if c.hash == hash && string(c.key) == key {
			c.bytes += bytes
			return
		}
		if c.bytes < s.held[least].bytes {
			least = i
		}
	}
	c := &s.held[least]
	c.error = c.bytes
	c.bytes += bytes
	c.hash = hash
	c.key = append(c.key[:0], key...)
}

// fade makes the past count half.
func (s *sketch) fade() {
	s.total /= 2
	for i := range s.held {
		s.held[i].bytes /= 2
		s.held[i].error /= 2
	}
}

// top returns the n keys with the most bytes, those first of which it is surest. It leaves out those that may be there by error alone.
func (s *sketch) top(n int) []KeyLoad {
	var keys []KeyLoad
	for i := range s.held {
		c := &s.held[i]
		if c.bytes <= 2*c.error || s.total == 0 {
			continue
		}
		keys = append(keys, KeyLoad{Key: string(c.key), Hash: c.hash, Share: c.bytes / s.total, Error: c.error / s.total})
	}
	slices.SortFunc(keys, func(a, b KeyLoad) int { return cmp.Compare(b.Share-b.Error, a.Share-a.Error) })
	return keys[:min(n, len(keys))]
}
