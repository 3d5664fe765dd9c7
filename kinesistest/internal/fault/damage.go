package fault

import (
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/penstock-go/penstock/kinesistest/internal/kinesis/wire"
)

// Truncate breaks the connection in the middle of the reply; of a subscription, in the middle of an event, after the given
// number of whole ones.
func Truncate(events int) Effect {
	return damage(events, func(w *damaged, part []byte) {
		w.send(part[:len(part)/2])
		breakOff()
	})
}

// Corrupt spoils the reply so that its reader notices; of a subscription, one event, after the given number of good ones.
func Corrupt(events int) Effect {
	return damage(events, func(w *damaged, part []byte) {
		if w.stream() {
			part[len(part)-trailer-1] ^= 1 // the end of the payload: the lengths hold, the checksum does not
		} else if len(part) > 0 {
			part[0] = 0xff // no document starts like this
		}
		w.send(part)
	})
}

// Silence lets the service act and then sends nothing, but leaves the connection open; of a subscription, after the given
// number of events.
func Silence(events int) Effect {
	return damage(events, func(w *damaged, _ []byte) { w.c.wait(-1) })
}

// FailLate lets the service act and answers with an error all the same; a subscription ends with an exception, after the given
// number of events.
func FailLate(events, status int, code, message string) Effect {
	return damage(events, func(w *damaged, _ []byte) {
		if !w.stream() {
			writeError(w.c, status, code, message)
			return
		}
		w.send(exception(w.c.r, code, message))
		w.over = true
	})
}

// exception makes the frame that ends a stream of events with an error.
func exception(r *http.Request, code, message string) []byte {
	contentType, encoder := "application/json", wire.NewJSONEncoder
	if isCBOR(r) {
		contentType, encoder = r.Header.Get("Content-Type"), wire.NewCBOREncoder
	}
	frame, start := wire.BeginFrame(nil, []wire.Header{
		{Name: ":message-type", Value: "exception"},
		{Name: ":exception-type", Value: code},
		{Name: ":content-type", Value: contentType},
	})
	return wire.EndFrame(errorDocument(encoder(frame), code, message), start)
}

// damage makes an effect of what is done to a reply, or to one event of a subscription.
func damage(events int, hurt func(w *damaged, part []byte)) Effect {
	return Effect{run: func(c *call) {
		w := &damaged{ResponseWriter: c.w, c: c, left: events + 1, hurt: hurt} // the initial response is a frame, but no event
		c.serve(w)
		w.finish()
	}}
}

// A frame starts with its length and ends with a checksum.
const (
	lengthField = 4
	trailer     = 4
)

// damaged is a response writer that hurts a whole reply at its end, or one frame of a stream.
type damaged struct {
	http.ResponseWriter
	c      *call
	status int // of a reply that has not begun
	left   int // frames that pass unhurt; negative once the damage is done
	hurt   func(w *damaged, part []byte)
	over   bool   // the stream has ended: the service may stop
	buf    []byte // of an unfinished frame, or of the whole reply
}

// stream reports whether the reply is a stream of events.
func (w *damaged) stream() bool {
	return strings.Contains(w.Header().Get("Content-Type"), "eventstream")
}

// WriteHeader begins a stream at once, and any other reply when its fate is known.
func (w *damaged) WriteHeader(status int) {
	if w.stream() {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.status = status
}

func (w *damaged) Write(b []byte) (int, error) {
	w.buf = append(w.buf, b...)
	for w.stream() {
		frame, rest := cutFrame(w.buf)
		if frame == nil {
			break
		}
		w.buf = rest
		if err := w.frame(frame); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// cutFrame cuts the first frame off b; it is nil if b does not hold a whole one yet.
func cutFrame(b []byte) (frame, rest []byte) {
	if len(b) < lengthField {
		return nil, b
	}
	n := int(binary.BigEndian.Uint32(b))
	if n < lengthField || n > len(b) {
		return nil, b
	}
	return b[:n:n], b[n:]
}

func (w *damaged) frame(frame []byte) error {
	w.left--
	if w.left == -1 {
		w.hurt(w, frame)
	}
	switch {
	case w.over:
		return errDropped
	case w.left == -1:
		return nil
	}
	_, err := w.ResponseWriter.Write(frame)
	return err
}

// Flush has a meaning for streams alone: any other reply waits for its end.
func (w *damaged) Flush() {
	if w.stream() {
		flush(w.ResponseWriter)
	}
}

// finish hurts a reply that was no stream.
func (w *damaged) finish() {
	if !w.stream() {
		w.hurt(w, w.buf)
	}
}

// send writes and flushes: what was sent must reach the client even if the connection breaks next. An error means that the
// client has gone.
func (w *damaged) send(b []byte) {
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	_, _ = w.ResponseWriter.Write(b)
	flush(w.ResponseWriter)
}
