package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// A body reads as the bytes that were written into it, in pieces of any size, from any place, as often as one likes.
func TestABodyReadsAsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBody()
		defer b.release()
		var want []byte
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			text := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "text")
			blob := bytes.Repeat([]byte{rapid.Byte().Draw(t, "byte")}, rapid.SampledFrom([]int{0, 1, copyBelow - 1, copyBelow, 3 * copyBelow}).Draw(t, "blob"))
			b.text = append(b.text, text...)
			b.put(blob)
			want = append(append(want, text...), blob...)
		}
		b.seal()
		reference := bytes.NewReader(want)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				offset, whence := int64(rapid.IntRange(-10, len(want)).Draw(t, "offset")), rapid.IntRange(0, 2).Draw(t, "whence")
				place, _ := reference.Seek(0, io.SeekCurrent)
				n, err := reference.Seek(offset, whence)
				if err != nil || n > int64(len(want)) { // bytes.Reader goes beyond the end
					reference.Seek(place, io.SeekStart)
					if _, err := b.Seek(offset, whence); err == nil {
						t.Fatal("a seek to nowhere")
					}
				} else if m, err := b.Seek(offset, whence); err != nil || m != n {
					t.Fatalf("seek to %d: %v, want %d", m, err, n)
				}
			case 1:
				p, q := make([]byte, rapid.IntRange(0, 2*copyBelow).Draw(t, "read")), make([]byte, 2*copyBelow)
				q = q[:len(p)]
				n, err := b.Read(p)
				m, wantErr := reference.Read(q)
				if n != m || !bytes.Equal(p[:n], q[:m]) || (err == nil) != (wantErr == nil) && len(p) > 0 {
					t.Fatalf("read %d, %v; want %d, %v", n, err, m, wantErr)
				}
			case 2:
				var got, all bytes.Buffer
				if _, err := b.WriteTo(&got); err != nil {
					t.Fatal(err)
				}
				reference.WriteTo(&all)
				if !bytes.Equal(got.Bytes(), all.Bytes()) {
					t.Fatal("WriteTo gives other bytes")
				}
			case 3:
				if b.Len() != reference.Len() {
					t.Fatalf("%d bytes left, want %d", b.Len(), reference.Len())
				}
			}
		}
	})
}

func TestAReleasedBodyHoldsNothingOfTheCaller(t *testing.T) {
	b := newBody()
	b.put(make([]byte, copyBelow))
	kept := b.sheet
	b.seal()
	b.release()
	if kept.blobs[:1][0].blob != nil {
		t.Error("the pool keeps the caller's memory alive")
	}
	if n, err := b.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("a late reader gets %d, %v", n, err)
	}
}

// failing is a connection that breaks after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		n := f.left
		f.left = 0
		return n, io.ErrClosedPipe
	}
	f.left -= len(p)
	return len(p), nil
}

func TestABodyStandsWhereABrokenWriterLeftIt(t *testing.T) {
	b := newBody()
	defer b.release()
	b.text = append(b.text, "head"...)
	b.put(bytes.Repeat([]byte("x"), copyBelow))
	b.seal()
	n, err := b.WriteTo(&failing{left: 10})
	if n != 10 || !errors.Is(err, io.ErrClosedPipe) || b.Len() != copyBelow-6 {
		t.Errorf("%d written, %v, %d left", n, err, b.Len())
	}
}
