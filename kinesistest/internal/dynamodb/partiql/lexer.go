package partiql

import "strings"

// tokenKind says what a token is.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, a function's name or a bare name
	tokenName             // a name in double quotes
	tokenText             // a text in single quotes
	tokenNumber           // a number without sign
	tokenSymbol           // an operator or a punctuation mark
	tokenBad              // what stands in no token, or a quote or comment without end
)

// token is a piece of the text; names and texts are without their quotes.
type token struct {
	kind tokenKind
	text string
}

const (
	letters        = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	digits         = "0123456789"
	wordCharacters = letters + digits + "$"
	spaces         = " \t\r\n\f\v"
)

// scan returns the first token of the text and how many bytes it and the space before it take.
func scan(text string) (token, int) {
	rest := skipSpace(text)
	if rest == "" {
		return token{kind: tokenEnd}, len(text)
	}
	t, length := next(rest)
	return t, len(text) - len(rest) + length
}

// skipSpace returns the text without the space and the comments that it begins with. A comment without end stays.
func skipSpace(text string) string {
	for {
		text = strings.TrimLeft(text, spaces)
		switch {
		case strings.HasPrefix(text, "--"):
			_, text, _ = strings.Cut(text, "\n")
		case strings.HasPrefix(text, "/*"):
			_, behind, ended := strings.Cut(text[2:], "*/")
			if !ended {
				return text
			}
			text = behind
		default:
			return text
		}
	}
}

// next returns the token at the start of text, which is neither empty nor space, and its length.
func next(text string) (token, int) {
	switch first := text[0]; {
	case strings.IndexByte(letters, first) >= 0:
		n := span(text, wordCharacters)
		return token{tokenWord, text[:n]}, n
	case first == '"':
		return quoted(tokenName, text, `"`)
	case first == '\'':
		return quoted(tokenText, text, `'`)
	case strings.IndexByte(digits, first) >= 0, first == '.' && len(text) > 1 && strings.IndexByte(digits, text[1]) >= 0:
		n := number(text)
		return token{tokenNumber, text[:n]}, n
	}
	for _, symbol := range symbols {
		if strings.HasPrefix(text, symbol) {
			return token{tokenSymbol, symbol}, len(symbol)
		}
	}
	return token{kind: tokenBad}, len(text)
}

// The symbols; one that begins with another stands before it.
var symbols = []string{"=", "?", ",", "<>", "<=", ">=", "<", ">", "(", ")", "[", "]", ".", "+", "-", "*"}

// quoted returns the token that begins with a quote. Inside it, two quotes are one.
func quoted(kind tokenKind, text, quote string) (token, int) {
	for end := 1; ; end += 2 {
		n := strings.Index(text[end:], quote)
		if n < 0 {
			return token{kind: tokenBad}, len(text)
		}
		end += n
		if !strings.HasPrefix(text[end+1:], quote) {
			return token{kind, strings.ReplaceAll(text[1:end], quote+quote, quote)}, end + 1
		}
	}
}

// number returns the length of the number at the start of text: digits, a fraction, an exponent. Words behind it without space are part of
// it, so that they make it no number.
func number(text string) int {
	n := span(text, digits+".")
	if n < len(text) && (text[n] == 'e' || text[n] == 'E') {
		n++
		if n < len(text) && (text[n] == '+' || text[n] == '-') {
			n++
		}
	}
	return n + span(text[n:], wordCharacters)
}

// span returns how many bytes at the start of text are of the given set.
func span(text, set string) int {
	return len(text) - len(strings.TrimLeft(text, set))
}
