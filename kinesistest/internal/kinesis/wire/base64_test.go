package wire

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"
)

func TestBase64AgreesWithTheStandardLibrary(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		want := base64.StdEncoding.EncodeToString(b)
		got := appendBase64([]byte("x"), b)
		if string(got) != "x"+want {
			t.Fatalf("%d bytes: encoded %q, want %q", n, got[1:], want)
		}
		if base64Len([]byte(want)) != n {
			t.Fatalf("%d bytes: length %d", n, base64Len([]byte(want)))
		}
		back, ok := appendBase64Decoded([]byte("y"), []byte(want))
		if !ok || !bytes.Equal(back[1:], b) || back[0] != 'y' {
			t.Fatalf("%d bytes: decoded %x, %v", n, back, ok)
		}
	}
}

func FuzzBase64(f *testing.F) {
	for _, s := range []string{"", "=", "====", "QQ==", "QR==", "QUI=", "QUJD", "QUJDRA==", "QUJDREVGR0g=", "QU\nJD", "QUJDREVGR0h\xff", "Q===", "QQ=A"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		want, err := base64.StdEncoding.Strict().DecodeString(string(s))
		// The standard library ignores line breaks.
		ok := err == nil && !bytes.ContainsAny(s, "\r\n")
		got, gotOK := appendBase64Decoded(nil, s)
		if gotOK != ok || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q: got %x, %v, want %x, %v", s, got, gotOK, want, ok)
		}
	})
}
