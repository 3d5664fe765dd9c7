package main

import (
	"crypto/md5"
	"crypto/sha256"
	"time"
)

// floorTime is how long each floor is measured.
const floorTime = 50 * time.Millisecond

// floors measures what nobody can avoid, on data in pieces of the row's size: one copy of it, its MD5 (which the format of aggregates asks
// for) and its SHA-256 (which the signature of a request asks for).
func (r *result) floors(size int) {
	data := filler(max(size, 1))
	into := make([]byte, len(data))
	r.Memcpy = rate(len(data), func() { copy(into, data) })
	r.MD5 = rate(len(data), func() { md5.Sum(data) })
	r.SHA256 = rate(len(data), func() { sha256.Sum256(data) })
}

// rate returns how many MB f gets through in a second of CPU time.
func rate(bytes int, f func()) float64 {
	start, n := cpuTime(), 0
	for cpuTime()-start < floorTime {
		for range 100 {
			f()
		}
		n += 100
	}
	return float64(n) * float64(bytes) / 1e6 / (cpuTime() - start).Seconds()
}

// filler is data that does not compress to nothing.
func filler(n int) []byte {
	b := make([]byte, n)
	x := uint32(2463534242)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}
