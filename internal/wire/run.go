package wire

// A run is what is left of an open map or array.
type run struct {
	left uint64 // entries; of no meaning if open-ended
	open bool   // of indefinite length: a break ends it
}

// enter consumes the head of a map or an array.
func (c *cursor) enter(major byte, expected string) run {
	c.untag()
	first, n := c.head()
	switch {
	case c.err != nil:
		return run{}
	case first&majorMask != major:
		c.fail(expected)
		return run{}
	case c.depth == maxDepth:
		c.fail("nested too deeply")
		return run{}
	}
	c.depth++
	return run{left: n, open: first&argumentMask == indefinite}
}

func (c *cursor) enterMap() run   { return c.enter(majorMap, "expected a map") }
func (c *cursor) enterArray() run { return c.enter(majorArray, "expected an array") }

// more reports whether another entry follows; the caller must then consume it. At the end of the run it closes it, and must not
// be called again.
func (c *cursor) more(r *run) bool {
	switch {
	case c.err != nil:
		return false
	case r.open:
		if c.peek() != headBreak {
			return true
		}
		if c.err == nil { // or else the break is peek's way to tell the end of the document
			c.pos++
		}
	case r.left > 0:
		r.left--
		return true
	}
	c.depth--
	return false
}

// skip passes over one item of any kind.
func (c *cursor) skip() {
	c.untag()
	switch c.peek() & majorMask {
	case majorBytes:
		c.blob()
	case majorText:
		c.text()
	case majorArray:
		for r := c.enterArray(); c.more(&r); {
			c.skip()
		}
	case majorMap:
		for r := c.enterMap(); c.more(&r); {
			c.skip()
			c.skip()
		}
	default:
		c.skipNumber()
	}
}

// skipNumber passes over a number or a simple value.
func (c *cursor) skipNumber() {
	first, n := c.head()
	switch {
	case first == headBreak:
		c.fail("a break in place of a value")
	case first == majorSimple|24 && n < 32:
		c.fail("reserved simple value")
	}
}
