package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
)

// entry is one handled line as a consumer writes it down.
type entry struct {
	order uint64 // counts over all consumers
	path  string
	data  []byte // as encodeLine made it
}

// journal is the file in which one consumer writes what it handles. Batches of several shards come at once; each is one append.
type journal struct {
	mu   sync.Mutex // guards the fields below
	file *os.File
	w    *bufio.Writer
	buf  []byte
}

func newJournal(dir string) (*journal, error) {
	file, err := os.CreateTemp(dir, "journal-")
	if err != nil {
		return nil, err
	}
	return &journal{file: file, w: bufio.NewWriterSize(file, 1<<20)}, nil
}

// append writes entries whose order was taken under the same lock, so that each journal is in ascending order.
func (j *journal) append(order func() uint64, path string, data []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf = binary.AppendUvarint(j.buf[:0], order())
	j.buf = binary.AppendUvarint(j.buf, uint64(len(path)))
	j.buf = append(j.buf, path...)
	j.buf = binary.AppendUvarint(j.buf, uint64(len(data)))
	j.buf = append(j.buf, data...)
	_, err := j.w.Write(j.buf)
	return err
}

// reader flushes the journal and reads it from its start.
func (j *journal) reader() (*journalReader, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.w.Flush(); err != nil {
		return nil, err
	}
	if _, err := j.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return &journalReader{r: bufio.NewReaderSize(j.file, 1<<20), paths: make(map[string]string)}, nil
}

func (j *journal) close() error { return errors.Join(j.file.Close(), os.Remove(j.file.Name())) }

type journalReader struct {
	r     *bufio.Reader
	paths map[string]string // one string for all entries of a file
	buf   []byte
}

// next returns io.EOF behind the last entry.
func (r *journalReader) next() (entry, error) {
	order, err := binary.ReadUvarint(r.r)
	if err != nil {
		return entry{}, err
	}
	path, err := r.block()
	if err != nil {
		return entry{}, errors.Join(io.ErrUnexpectedEOF, err)
	}
	known, ok := r.paths[string(path)]
	if !ok {
		known = string(path)
		r.paths[known] = known
	}
	data, err := r.block()
	if err != nil {
		return entry{}, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return entry{order: order, path: known, data: data}, nil
}

// block returns bytes that are valid until the next call.
func (r *journalReader) block() ([]byte, error) {
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		return nil, err
	}
	if uint64(cap(r.buf)) < n {
		r.buf = make([]byte, n)
	}
	_, err = io.ReadFull(r.r, r.buf[:n])
	return r.buf[:n], err
}
