package partiql

import "fmt"

// Error is a mistake in a statement. The service reports it as a ValidationError with this text.
type Error struct {
	Reason string
}

// Error returns the service's words.
func (e *Error) Error() string { return e.Reason }

// What the service says of statements, as far as its words are known.
const (
	malformed      = "Statement wasn't well formed, can't be processed: "
	reasonLeftover = malformed + "Unexpected token after expression"
	reasonAlias    = "Aliasing is not supported"
	reasonIndex    = "This operation is not supported on an index"
	reasonLength   = malformed + "The statement is too long"
	reasonCount    = "Number of parameters in request and statement don't match."
)

// ErrKey refuses a statement that does not say which item it is about.
var ErrKey = &Error{"Where clause does not contain a mandatory equality on all key attributes"}

// fail remembers the first mistake and goes to the end of the text, so that every loop of the grammar comes to its end by itself.
func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
	p.at, p.token = len(p.text), token{kind: tokenEnd}
}

func (p *parser) failf(format string, args ...any) {
	p.fail(&Error{fmt.Sprintf(format, args...)})
}

// unexpected reports the current token as a mistake.
func (p *parser) unexpected() {
	switch p.token.kind {
	case tokenEnd:
		p.failf("%sUnexpected end of statement", malformed)
	case tokenBad:
		p.failf(malformed)
	default:
		p.failf("%sUnexpected token %s", malformed, p.token.text)
	}
}
