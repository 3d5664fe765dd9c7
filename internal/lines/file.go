package lines

import (
	"context"
	"fmt"
	"os"
)

// A File is one that lines are appended to. It may be used by several goroutines, and so may its path by several Files.
type File struct {
	turn chan struct{} // capacity 1: a lock that is held across I/O
	file *os.File
}

// Open opens the file, or makes one that only its owner may read. What is in it stays.
func Open(path string) (*File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600) // the user's own path
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the path
	}
	return &File{turn: make(chan struct{}, 1), file: file}, nil
}

// Append writes text, which is whole lines with their ends, and waits until it is on the disk. If it fails, some of the text may be there, and
// the last line of that may be broken off: what is appended next begins on a line of its own, whoever appends it.
func (f *File) Append(ctx context.Context, text []byte) error {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller's own
	}
	torn, err := f.torn()
	if err != nil {
		return err
	}
	if torn {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := f.file.Write(text); err != nil { // in one piece: lines of others do not come in between
		return err //nolint:wrapcheck // it names the path
	}
	return f.file.Sync() //nolint:wrapcheck // it names the path
}

// torn reports whether the last line has no end.
func (f *File) torn() (bool, error) {
	info, err := f.file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err //nolint:wrapcheck // it names the path
	}
	var last [1]byte
	if _, err := f.file.ReadAt(last[:], info.Size()-1); err != nil {
		return false, fmt.Errorf("look at the end of %s: %w", f.file.Name(), err)
	}
	return last[0] != '\n', nil
}

// Close closes the file. No Append may follow.
func (f *File) Close() error { return f.file.Close() } //nolint:wrapcheck // it names the path
