package hashkey

import "errors"

// ErrSyntax reports a text that is no decimal number between 0 and 2^128-1.
var ErrSyntax = errors.New("hashkey: not a decimal number of 128 bits")
