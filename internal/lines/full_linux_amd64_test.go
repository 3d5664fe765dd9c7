package lines

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"unsafe"
)

// Linux has files in memory that can be forbidden to grow: as good as a full disk.
const (
	memfdCreate  = 319 // the system call on amd64
	allowSealing = 2
	addSeals     = 1033
	sealGrow     = 4
)

func TestWhatOneHasWrittenIsNotTouchedWhenAnotherFails(t *testing.T) {
	name := [...]byte{'f', 0}
	fd, _, errno := syscall.Syscall(memfdCreate, uintptr(unsafe.Pointer(&name)), allowSealing, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	one, other := open(t, path), open(t, path)
	if err := one.Append(t.Context(), []byte("first\n")); err != nil {
		t.Fatal(err)
	}
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, fd, addSeals, sealGrow); errno != 0 {
		t.Fatal(errno)
	}
	if err := other.Append(t.Context(), []byte("second\n")); err == nil {
		t.Error("there was room")
	}
	if got := in(t, path); !slices.Equal(got, []string{"first\n"}) {
		t.Errorf("%q", got)
	}
}
