package wire

import (
	"bytes"
	"encoding/base64"
	"testing"
)

// BenchmarkDecodeBase64 has the standard library beside it.
func BenchmarkDecodeBase64(b *testing.B) {
	plain := bytes.Repeat([]byte("0123456789abcdef"), 64)
	text := []byte(base64.StdEncoding.EncodeToString(plain))
	dst := make([]byte, 0, len(plain)+8)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, ok := appendBase64Decoded(dst, text); !ok {
				b.Fatal("not base64")
			}
		}
	})
	b.Run("library", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			if _, err := base64.StdEncoding.Decode(dst[:cap(dst)], text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
