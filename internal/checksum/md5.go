package checksum

import (
	"crypto/fips140"
	"crypto/md5"
	"encoding/binary"
	"math"
)

// lanes is how many messages there are side by side.
const lanes = 8

// inLanes: the processor can do it, and it may.
var inLanes = haveLanes && !fips140.Enabled()

// state is the MD5 of each lane as it stands: word by word, since a vector has the same word of all lanes.
type state [4][lanes]uint32

// initial is the state before the first block.
var initial = [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}

// sines are the constants that the 64 steps add.
var sines = func() (s [64]uint32) {
	for i := range s {
		s[i] = uint32(1 << 32 * math.Abs(math.Sin(float64(i+1))))
	}
	return s
}()

// Sums sets sums[i] to the MD5 of messages[i], for all of them. The messages are only read.
func Sums(sums [][md5.Size]byte, messages [][]byte) {
	sums = sums[:len(messages)]
	if !inLanes || len(messages) < 2 {
		for i, m := range messages {
			sums[i] = md5.Sum(m)
		}
		return
	}
	var w work
	w.run(sums, messages)
}

// lane is what a message has left to do.
type lane struct {
	message int
	rest    []byte // whole blocks of the message, and after them
	end     [2 * md5.BlockSize]byte
	endSize int // of end: one block, or two
	endLeft int // bytes of them that are left
	busy    bool
}

// left returns the blocks that are next, or nothing if the message is done.
func (l *lane) left() []byte {
	if len(l.rest) > 0 {
		return l.rest
	}
	return l.end[l.endSize-l.endLeft : l.endSize]
}

func (l *lane) skip(n int) {
	if len(l.rest) > 0 {
		l.rest = l.rest[n:]
		return
	}
	l.endLeft -= n
}

// work is the messages that are in lanes, and the state of these. A lane whose message is done takes the next one; when there is none, it goes
// along idle.
type work struct {
	state state
	lanes [lanes]lane
}

func (w *work) run(sums [][md5.Size]byte, messages [][]byte) {
	next := 0
	for i := range w.lanes {
		next = w.take(i, next, messages)
	}
	for {
		from, blocks := w.aim()
		if blocks == 0 {
			return
		}
		digest(&w.state, &sines, &from, blocks)
		for i := range w.lanes {
			l := &w.lanes[i]
			if !l.busy {
				continue
			}
			if l.skip(blocks * md5.BlockSize); len(l.left()) > 0 {
				continue
			}
			for word := range w.state {
				binary.LittleEndian.PutUint32(sums[l.message][4*word:], w.state[word][i])
			}
			next = w.take(i, next, messages)
		}
	}
}

// take lets a lane begin with the next message, if there is one, and returns the number of the one after it.
func (w *work) take(i, next int, messages [][]byte) int {
	l := &w.lanes[i]
	if l.busy = next < len(messages); !l.busy {
		return next
	}
	m := messages[next]
	whole := len(m) &^ (md5.BlockSize - 1)
	l.message, l.rest, l.end = next, m[:whole], [2 * md5.BlockSize]byte{}
	n := copy(l.end[:], m[whole:])
	l.end[n] = 0x80
	l.endSize = md5.BlockSize
	if n >= md5.BlockSize-8 { // the length does not fit behind it
		l.endSize = 2 * md5.BlockSize
	}
	binary.LittleEndian.PutUint64(l.end[l.endSize-8:], uint64(len(m))*8)
	l.endLeft = l.endSize
	for word, v := range initial {
		w.state[word][i] = v
	}
	return next + 1
}

// aim says where each lane reads, and returns how many blocks the lane with the fewest has left; 0 if all are idle. An idle lane reads what
// another one does, to no end.
func (w *work) aim() (from [lanes]*byte, blocks int) {
	var some *byte
	for i := range w.lanes {
		if l := &w.lanes[i]; l.busy {
			left := l.left()
			some, from[i] = &left[0], &left[0]
			if n := len(left) / md5.BlockSize; blocks == 0 || n < blocks {
				blocks = n
			}
		}
	}
	for i := range from {
		if from[i] == nil {
			from[i] = some
		}
	}
	return from, blocks
}
