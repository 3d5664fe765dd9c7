package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/penstock-go/penstock/producer"
)

// A line travels as its index in the file, a varint, and its bytes.

func encodeLine(dst []byte, index uint64, line []byte) []byte {
	return append(binary.AppendUvarint(dst, index), line...)
}

func decodeLine(data []byte) (index uint64, line []byte, err error) {
	index, n := binary.Uvarint(data)
	if n <= 0 {
		return 0, nil, errors.New("a record is no line of ours")
	}
	return index, data[n:], nil
}

// original is what was sent of one file.
type original struct {
	lines uint64
	hash  [sha256.Size]byte
}

// sender reads the files and puts their lines.
type sender struct {
	producer *producer.Producer
	files    []string
	lines    atomic.Int64 // accepted by the producer
	bytes    atomic.Int64
	resent   atomic.Int64 // lines sent again because a reshard came between their sending and their storing

	mu         sync.Mutex // guards the fields below
	originals  map[string]original
	aggregates int64 // Kinesis records that were stored
	failure    error // of the first line that was not stored
}

func newSender(p *place, files []string) (*sender, error) {
	s := &sender{files: files, originals: make(map[string]original, len(files))}
	cfg := producer.Config{Kinesis: p.kinesis, Stream: p.stream, Ordered: true, Hooks: producer.Hooks{WrongShard: func(w producer.WrongShard) { s.resent.Add(int64(w.UserRecords)) }}}
	if p.json {
		cfg.Protocol = producer.JSON
	}
	var err error
	s.producer, err = producer.New(cfg)
	return s, err
}

// sendFiles puts the files from..to of the list. It returns when their lines are accepted, not when they are stored.
func (s *sender) sendFiles(ctx context.Context, from, to int) error {
	for _, path := range s.files[from:to] {
		if err := s.sendFile(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func (s *sender) sendFile(ctx context.Context, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all := lines(content)
	s.mu.Lock()
	s.originals[path] = original{lines: uint64(len(all)), hash: sha256.Sum256(content)}
	s.mu.Unlock()
	var buf []byte
	for i, line := range all {
		buf = encodeLine(buf[:0], uint64(i), line)
		if err := s.producer.Put(ctx, producer.Record{PartitionKey: path, Data: buf}, s.done); err != nil {
			return fmt.Errorf("put: %w", err)
		}
		s.lines.Add(1)
		s.bytes.Add(int64(len(line)))
	}
	return nil
}

// done is called by the producer with the fate of one line.
func (s *sender) done(r producer.Result) {
	first := r.Err == nil && r.SubSequence == 0 // one of each Kinesis record has sub-sequence number 0
	if !first && r.Err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if first {
		s.aggregates++
	} else if s.failure == nil {
		s.failure = r.Err
	}
}

// finish waits until every line has its result.
func (s *sender) finish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.producer.Flush(ctx); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return fmt.Errorf("a line was not stored: %w", s.failure)
	}
	return nil
}
