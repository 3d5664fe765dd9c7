package checksum

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// same fails if a sum is not that of crypto/md5, or a message has changed.
func same(t interface {
	Helper()
	Errorf(string, ...any)
}, messages [][]byte) {
	t.Helper()
	before := bytes.Join(messages, nil)
	sums := make([][md5.Size]byte, len(messages)+1)
	Sums(sums, messages)
	for i, m := range messages {
		if want := md5.Sum(m); sums[i] != want {
			t.Errorf("message %d of %d, %d bytes: %x, want %x", i, len(messages), len(m), sums[i], want)
		}
	}
	if sums[len(messages)] != [md5.Size]byte{} {
		t.Errorf("a sum of no message")
	}
	if !bytes.Equal(before, bytes.Join(messages, nil)) {
		t.Errorf("a message has changed")
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// What lies around a message must not count: the pieces are cut out of one.
func TestSumsAreThoseOfCryptoMD5ForEveryCountAndLengthNearAnEdge(t *testing.T) {
	source := random(5000)
	edges := []int{0, 1, 3, 54, 55, 56, 57, 62, 63, 64, 65, 119, 120, 127, 128, 129, 191, 192, 1000, 4096}
	for count := range 3 * lanes {
		for first := range edges {
			var messages [][]byte
			for i := range count {
				start := i * 7
				messages = append(messages, source[start:start+edges[(first+i*i)%len(edges)]])
			}
			same(t, messages)
		}
	}
	for _, n := range edges {
		var messages [][]byte
		for i := range lanes + 1 {
			messages = append(messages, source[i:i+n])
		}
		same(t, messages)
	}
}

func TestSumsAreThoseOfCryptoMD5(t *testing.T) {
	source := random(1 << 16)
	rapid.Check(t, func(t *rapid.T) {
		var messages [][]byte
		for range rapid.IntRange(0, 40).Draw(t, "count") {
			start := rapid.IntRange(0, 1000).Draw(t, "start")
			n := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, len(source)-1000)).Draw(t, "length")
			messages = append(messages, source[start:start+n])
		}
		same(t, messages)
	})
}

func TestSumsAllocateNothing(t *testing.T) {
	messages := [][]byte{random(1000), random(70), random(3000)}
	sums := make([][md5.Size]byte, len(messages))
	if n := testing.AllocsPerRun(100, func() { Sums(sums, messages) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWithoutLanesTheSumsAreTheSame(t *testing.T) {
	defer func(before bool) { inLanes = before }(inLanes)
	inLanes = false
	same(t, [][]byte{random(1000), random(70), nil})
}

// FuzzSums cuts the text at the places that the cuts say, and compares the pieces' sums.
func FuzzSums(f *testing.F) {
	f.Add(bytes.Repeat([]byte("seven b"), 40), []byte{20, 21, 22, 23, 32, 45, 255, 10, 3})
	f.Fuzz(func(t *testing.T, text, cuts []byte) {
		var messages [][]byte
		for _, c := range cuts {
			n := min(int(c)*int(c)/8, len(text))
			messages = append(messages, text[:n])
			text = text[n/2:]
		}
		same(t, messages)
	})
}

// BenchmarkSums compares with crypto/md5, by which the messages come one after the other.
func BenchmarkSums(b *testing.B) {
	for _, size := range []int{1000, 51_200} {
		for _, count := range []int{1, 2, 4, 8, 16, 100} {
			messages := make([][]byte, count)
			for i := range messages {
				messages[i] = random(size - i)
			}
			sums := make([][md5.Size]byte, count)
			b.Run(fmt.Sprintf("%dx%d", count, size), func(b *testing.B) {
				b.SetBytes(int64(count * size))
				for b.Loop() {
					Sums(sums, messages)
				}
			})
		}
		m := random(size)
		b.Run(fmt.Sprintf("crypto-md5-%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			for b.Loop() {
				md5.Sum(m)
			}
		})
	}
}
