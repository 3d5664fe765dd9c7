//go:build linux && (amd64 || arm64)

package aggregation

import (
	"errors"
	"syscall"
	"testing"
)

// Pages that nobody touches take no memory, so 2 GiB can be had for this. Were the limit not looked at first, the checksum
// would read them, and the error would be another.
func TestMessagesBeyondTwoGiBAreRefusedUnread(t *testing.T) {
	data, err := syscall.Mmap(-1, 0, maxMessage+Overhead+1, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Munmap(data); err != nil {
			t.Error(err)
		}
	}()
	copy(data, Magic)
	if _, err := Decode(nil, data); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Decode: got error %v", err)
	}
	var e Encoder
	if err := e.Add("k", "", data); !errors.Is(err, ErrTooLarge) || e.Len() != 0 {
		t.Errorf("Add: got error %v and %d records", err, e.Len())
	}
}
