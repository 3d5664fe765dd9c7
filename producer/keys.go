package producer

import (
	"hash/maphash"
	"math/rand/v2"
	"sync/atomic"

	"github.com/penstock-go/penstock/internal/hashkey"
)

const (
	keySlots        = 1 << 15
	longestKeptKey  = 64 // bytes; with the slots it bounds the memory, to about 4 MiB
	replacedOneTime = 16 // of so many
)

// keyHashes remembers the hash keys of partition keys that come again and again, whose MD5 would otherwise be a fifth of what a small record
// costs. A key has one slot, where it may be found by any number of goroutines without a lock.
//
// A key takes its slot when it misses twice in a row there, and takes it from another only now and then: so keys that occur once leave
// nothing behind, and two keys with one slot do not push each other out all the time.
type keyHashes struct {
	slots  [keySlots]atomic.Pointer[keyHash]
	missed [keySlots]atomic.Uint32 // of the hash of the key that was looked for last in vain
}

type keyHash struct {
	hash   hashkey.Key
	length int
	key    [longestKeptKey]byte // not a string, which would keep alive what it was cut from
}

// of returns the hash key of a partition key.
func (k *keyHashes) of(partitionKey string) hashkey.Key {
	if len(partitionKey) > longestKeptKey {
		return hashkey.Of(partitionKey)
	}
	h := maphash.String(keySeed, partitionKey)
	at := h % keySlots
	found := k.slots[at].Load()
	if found != nil && string(found.key[:found.length]) == partitionKey {
		return found.hash
	}
	hash := hashkey.Of(partitionKey)
	if mark := uint32(h >> 32); k.missed[at].Swap(mark) == mark && (found == nil || rand.IntN(replacedOneTime) == 0) {
		kept := &keyHash{hash: hash, length: len(partitionKey)}
		copy(kept.key[:], partitionKey)
		k.slots[at].Store(kept)
	}
	return hash
}
