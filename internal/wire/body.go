package wire

import (
	"io"
	"math"
	"sync"
)

// copyBelow is the length up to which a blob is copied into the request's text. Larger ones are only referred to: the hash
// of the signature and the transport then read the caller's own memory.
const copyBelow = 512

// A body is a request in two parts: its text (heads, names, keys, small blobs), and the blobs that the text refers to. It is
// written once, and from then on read, any number of times, by one goroutine at a time: first by the hash of the signature,
// then by the transport, once for each attempt.
//
//	text   ------ a ------|------ b ------|-- c --
//	blobs                 0               1
//	wire   a blob0 b blob1 c
//
// The caller's blobs must not change until the operation has returned. They may from then on, and so may the text go back to its pool:
// the SDK closes the body of every attempt before it goes on, and from then on the transport reads only an end, even if
// the connection is still busy with the attempt.
type body struct {
	*sheet
	size int // of text and blobs

	// Where reading stands.
	next   int // the blob that comes next; len(blobs) after the last one
	atText int // how much of the text is read
	atBlob int // how much of blobs[next] is read
}

// A sheet is the memory of a body.
type sheet struct {
	text  []byte
	blobs []insert
}

// An insert is a blob and its place: it follows the first at bytes of the text.
type insert struct {
	at   int
	blob []byte
}

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// maxPooled is how large a sheet's text may have become for the sheet to be kept: a full request of 5 MiB is one of 7 in base64.
const maxPooled = 8 << 20

func newBody() *body { return &body{sheet: sheets.Get().(*sheet)} }

// blank is the sheet of every body that is released.
var blank sheet

// release gives the memory back. A reader that comes later, against the rule, finds an empty body.
func (b *body) release() {
	s := b.sheet
	*b = body{sheet: &blank}
	if cap(s.text) > maxPooled {
		return
	}
	clear(s.blobs) // or the pool would keep the caller's memory alive
	s.text, s.blobs = s.text[:0], s.blobs[:0]
	sheets.Put(s)
}

// put appends a blob.
func (b *body) put(blob []byte) {
	if len(blob) < copyBelow {
		b.text = append(b.text, blob...)
		return
	}
	b.blobs = append(b.blobs, insert{at: len(b.text), blob: blob})
	b.size += len(blob)
}

// seal ends writing.
func (b *body) seal() { b.size += len(b.text) }

// Len returns how many bytes are left to read.
func (b *body) Len() int {
	left := len(b.text) - b.atText - b.atBlob
	for _, in := range b.blobs[b.next:] {
		left += len(in.blob)
	}
	return left
}

// chunk returns the bytes that come next, as far as they lie in one piece; none at the end.
func (b *body) chunk() []byte {
	end := len(b.text)
	if b.next < len(b.blobs) {
		end = b.blobs[b.next].at
	}
	if b.atText < end {
		return b.text[b.atText:end]
	}
	if b.next < len(b.blobs) {
		return b.blobs[b.next].blob[b.atBlob:]
	}
	return nil
}

// advance passes over n bytes of the chunk that is next.
func (b *body) advance(n int) {
	if b.next == len(b.blobs) || b.atText < b.blobs[b.next].at {
		b.atText += n
		return
	}
	if b.atBlob += n; b.atBlob == len(b.blobs[b.next].blob) {
		b.next, b.atBlob = b.next+1, 0
	}
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		chunk := b.chunk()
		if len(chunk) == 0 {
			break
		}
		m := copy(p[n:], chunk)
		b.advance(m)
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// WriteTo implements io.WriterTo: the hash of the signature reads without a copy.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for chunk := b.chunk(); len(chunk) > 0; chunk = b.chunk() {
		n, err := w.Write(chunk)
		b.advance(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// Seek implements io.Seeker.
func (b *body) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(b.size - b.Len())
	case io.SeekEnd:
		offset += int64(b.size)
	}
	if offset < 0 || offset > math.MaxInt || offset > int64(b.size) {
		return 0, errSeek
	}
	b.next, b.atText, b.atBlob = 0, 0, 0
	for left := int(offset); left > 0; {
		n := min(left, len(b.chunk()))
		b.advance(n)
		left -= n
	}
	return offset, nil
}
