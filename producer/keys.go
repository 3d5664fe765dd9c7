package producer

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"

	"github.com/penstock-go/penstock/internal/hashkey"
)

const (
	keySlots        = 1 << 15
	ways            = 4  // slots in which one key may be
	longestKeptKey  = 64 // bytes; with the slots it bounds the memory, to about 4 MiB
	replacedOneTime = 16 // of so many
)

// keyHashes remembers the hash keys of partition keys that come again and again, whose MD5 would otherwise be a fifth of what a small record
// costs. A key has a few slots beside each other, in one of which it may be found by any number of goroutines without a lock.
//
// A key takes a slot, the first one that is empty, when it misses twice in a row. When none is empty it takes one from another key, but only now and
// then: so keys that occur once leave nothing behind, and keys with the same slots do not push each other out all the time.
type keyHashes struct {
	slots  [keySlots]atomic.Pointer[keyHash]
	missed [keySlots]atomic.Uint32 // of the hash of the key that was looked for last in vain
}

type keyHash struct {
	hash   hashkey.Key
	mark   uint64 // another hash, which tells nearly all keys apart without a look at them
	length int
	key    [longestKeptKey]byte // not a string, which would keep alive what it was cut from
}

// of returns the hash key of a partition key.
func (k *keyHashes) of(partitionKey string) hashkey.Key {
	if len(partitionKey) > longestKeptKey {
		return hashkey.Of(partitionKey)
	}
	h := maphash.String(keySeed, partitionKey)
	first := h % keySlots
	at, full := first, true
	for range ways {
		found := k.slots[at].Load()
		if found == nil {
			full = false
			break
		}
		if found.mark == h && string(found.key[:found.length]) == partitionKey {
			return found.hash
		}
		at = at&^(ways-1) | (at+1)%ways
	}
	hash := hashkey.Of(partitionKey)
	if mark := uint32(h >> 32); k.missed[first].Swap(mark) == mark && (!full || rand.IntN(replacedOneTime) == 0) {
		kept := &keyHash{hash: hash, mark: h, length: len(partitionKey)}
		copy(kept.key[:], partitionKey)
		k.slots[at].Store(kept)
	}
	return hash
}
