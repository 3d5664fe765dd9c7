package kinesis

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPiecesOfAnArenaDoNotOverlap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a arena
		sizes := rapid.SliceOf(rapid.OneOf(rapid.IntRange(0, 3000), rapid.IntRange(0, 40000))).Draw(t, "sizes")
		pieces := make([][]byte, len(sizes))
		for i, n := range sizes {
			p := a.take(n)
			if len(p) != 0 || cap(p) != n {
				t.Fatalf("a piece of %d bytes has %d of %d", n, len(p), cap(p))
			}
			pieces[i] = p[:n]
			for j := range pieces[i] {
				pieces[i][j] = byte(i)
			}
		}
		for i, p := range pieces {
			for _, b := range p {
				if b != byte(i) {
					t.Fatalf("piece %d was overwritten", i)
				}
			}
		}
	})
}
