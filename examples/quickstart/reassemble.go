package main

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// verdicts is what the journals say about the lines that were sent.
type verdicts struct {
	lost       uint64
	outOfOrder uint64
	duplicates uint64
	files      int
	matching   int
}

// reassemble puts every file together from the journals, in the order in which the lines were handled over all of them, and
// compares it with what was sent.
func reassemble(journals []*journal, sent map[string]original) (verdicts, error) {
	puzzles := make(map[string]*puzzle, len(sent))
	for path := range sent {
		puzzles[path] = &puzzle{hash: sha256.New()}
	}
	var v verdicts
	err := merge(journals, func(e entry) error {
		p := puzzles[e.path]
		if p == nil {
			return errors.New("a file was handled that was never sent")
		}
		return p.place(e.data, &v)
	})
	if err != nil {
		return verdicts{}, err
	}
	for path, original := range sent {
		p := puzzles[path]
		v.files++
		v.lost += original.lines - p.placed
		if p.placed == original.lines && [sha256.Size]byte(p.hash.Sum(nil)) == original.hash {
			v.matching++
		}
	}
	return v, nil
}

// puzzle is one file while it is put together.
type puzzle struct {
	next    uint64            // the line that the hash waits for
	early   map[uint64][]byte // lines that came before it
	highest uint64            // one more than the highest line seen
	placed  uint64            // distinct lines
	hash    hash.Hash
}

func (p *puzzle) place(data []byte, v *verdicts) error {
	index, line, err := decodeLine(data)
	if err != nil {
		return err
	}
	if _, waiting := p.early[index]; waiting || index < p.next {
		v.duplicates++
		return nil
	}
	if index < p.highest {
		v.outOfOrder++ // a later line of this file was handled before it
	}
	p.highest = max(p.highest, index+1)
	p.placed++
	if index > p.next {
		if p.early == nil {
			p.early = make(map[uint64][]byte)
		}
		p.early[index] = append([]byte(nil), line...)
		return nil
	}
	p.append(line)
	for line, ok := p.early[p.next]; ok; line, ok = p.early[p.next] {
		delete(p.early, p.next)
		p.append(line)
	}
	return nil
}

func (p *puzzle) append(line []byte) {
	p.hash.Write(line)
	p.next++
}

// merge reads all journals at once, in the order of their entries.
func merge(journals []*journal, visit func(entry) error) error {
	type head struct {
		entry
		from *journalReader
	}
	var heads []head
	for _, j := range journals {
		r, err := j.reader()
		if err != nil {
			return err
		}
		first, err := r.next()
		if errors.Is(err, io.EOF) {
			continue
		} else if err != nil {
			return err
		}
		heads = append(heads, head{first, r})
	}
	for len(heads) > 0 {
		least := 0
		for i := range heads {
			if heads[i].order < heads[least].order {
				least = i
			}
		}
		if err := visit(heads[least].entry); err != nil {
			return err
		}
		following, err := heads[least].from.next()
		switch {
		case errors.Is(err, io.EOF):
			heads = append(heads[:least], heads[least+1:]...)
		case err != nil:
			return err
		default:
			heads[least].entry = following
		}
	}
	return nil
}
