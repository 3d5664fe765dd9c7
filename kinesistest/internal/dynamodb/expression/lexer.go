package expression

import "strings"

// tokenKind says what a token is.
type tokenKind int

const (
	tokenEnd     tokenKind = iota
	tokenWord              // a keyword, a function's name or an attribute's name
	tokenName              // #placeholder
	tokenValue             // :placeholder
	tokenInteger           // a list index
	tokenSymbol            // an operator or a punctuation mark
	tokenBad               // a character that stands in no token
)

// token is a piece of the text, with its place there.
type token struct {
	kind       tokenKind
	text       string
	start, end int
}

const (
	letters        = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits         = "0123456789"
	wordCharacters = letters + digits + "_"
	spaces         = " \t\r\n\f\v"
)

// tokenize cuts text into tokens; the last is always of kind tokenEnd. It never fails: what it does not know becomes a
// token that no grammar has a place for.
func tokenize(text string) []token {
	var tokens []token
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], spaces))
		if at == len(text) {
			return append(tokens, token{kind: tokenEnd, text: "<EOF>", start: at, end: at})
		}
		kind, length := next(text[at:])
		tokens = append(tokens, token{kind: kind, text: text[at : at+length], start: at, end: at + length})
		at += length
	}
}

// next returns the kind and length of the token at the start of text, which is neither empty nor space.
func next(text string) (tokenKind, int) {
	first := text[:1]
	switch {
	case strings.Contains(letters, first):
		return tokenWord, span(text, wordCharacters)
	case strings.Contains(digits, first):
		return tokenInteger, span(text, digits)
	case first == "#" || first == ":":
		length := 1 + span(text[1:], wordCharacters)
		switch {
		case length == 1:
			return tokenBad, 1
		case first == "#":
			return tokenName, length
		default:
			return tokenValue, length
		}
	}
	for _, symbol := range []string{"<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "+", "-"} {
		if strings.HasPrefix(text, symbol) {
			return tokenSymbol, len(symbol)
		}
	}
	for i := range text {
		if i > 0 {
			return tokenBad, i
		}
	}
	return tokenBad, len(text)
}

// span returns how many bytes at the start of text are of the given set.
func span(text, set string) int {
	return len(text) - len(strings.TrimLeft(text, set))
}
