package oracle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// A Digest stands for bytes that must not be kept: the first half of their SHA-256. The zero Digest is none.
type Digest [16]byte

// DigestOf returns the digest of data or of a partition key.
func DigestOf[T string | []byte](b T) Digest {
	sum := sha256.Sum256([]byte(b))
	return Digest(sum[:16])
}

// String returns the hexadecimal form, "" of the zero Digest.
func (d Digest) String() string {
	if d == (Digest{}) {
		return ""
	}
	return hex.EncodeToString(d[:])
}

// MarshalText returns the form of String. It makes digests texts in JSON.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String.
func (d *Digest) UnmarshalText(text []byte) error {
	*d = Digest{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("oracle: a digest has %d characters, not %d", hex.EncodedLen(len(d)), len(text))
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("oracle: digest: %w", err)
	}
	return nil
}
