package tofile

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/penstock-go/penstock/internal/lines"
	"github.com/penstock-go/penstock/kinesislambda"
)

// Destination is a file. It may be used by several mappings at once, and the file by several processes of one machine.
type Destination struct{ file *lines.File }

var _ kinesislambda.Destination = (*Destination)(nil)

// Open opens the file, or makes it. What is in it stays.
func Open(path string) (*Destination, error) {
	file, err := lines.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tofile: %w", err)
	}
	return &Destination{file}, nil
}

// Deliver writes a line and waits until it is on the disk. A line that could not be written whole is followed by a whole one, later.
func (d *Destination) Deliver(ctx context.Context, r *kinesislambda.InvocationRecord) error {
	line, err := json.Marshal(r)
	if err == nil {
		err = d.file.Append(ctx, append(line, '\n'))
	}
	if err != nil {
		return fmt.Errorf("tofile: %w", err)
	}
	return nil
}

// Close closes the file.
func (d *Destination) Close() error { return d.file.Close() } //nolint:wrapcheck // it names the path
