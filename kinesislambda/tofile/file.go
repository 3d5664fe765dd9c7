package tofile

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/penstock-go/penstock/kinesislambda"
)

// Destination is a file. It may be used by several mappings at once, but by one process only.
type Destination struct {
	turn chan struct{} // capacity 1: a lock that is held while a line is written
	file *os.File
	torn bool // the file may end in half a line
}

var _ kinesislambda.Destination = (*Destination)(nil)

// Open opens the file, or makes it. What is in it stays.
func Open(path string) (*Destination, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tofile: %w", err)
	}
	d := &Destination{turn: make(chan struct{}, 1), file: file}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		var last [1]byte
		_, err := file.ReadAt(last[:], info.Size()-1)
		d.torn = err != nil || last[0] != '\n' // an earlier process has ended in the middle of one
	}
	return d, nil
}

// Deliver writes a line and waits until it is on the disk. A line that could not be written whole is followed by a whole one, later.
func (d *Destination) Deliver(ctx context.Context, r *kinesislambda.InvocationRecord) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("tofile: %w", err)
	}
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return fmt.Errorf("tofile: %w", ctx.Err())
	}
	line = append(line, '\n')
	if d.torn {
		line = append([]byte{'\n'}, line...)
	}
	d.torn = true
	if _, err := d.file.Write(line); err != nil {
		return fmt.Errorf("tofile: %w", err)
	}
	d.torn = false
	if err := d.file.Sync(); err != nil {
		return fmt.Errorf("tofile: %w", err)
	}
	return nil
}

// Close closes the file.
func (d *Destination) Close() error { return d.file.Close() }
