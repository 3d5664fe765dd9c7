package attribute

import (
	"math/big"
	"strconv"
	"strings"
)

// Bounds of numbers, from the service's documentation: 38 significant digits, magnitudes from 1E-130 to
// 9.9999999999999999999999999999999999999E+125.
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// Number is a decimal: ±d.ddd × 10^exponent. The zero value is the number zero.
type Number struct {
	negative bool
	digits   string // significant digits without leading and trailing zeros; empty for zero
	exponent int    // of the first digit; 0 for zero
}

// ParseNumber reads a number in plain or exponent notation. Its errors are ValueErrors.
func ParseNumber(text string) (Number, error) {
	mantissa, exponent, ok := splitExponent(text)
	if !ok {
		return Number{}, notNumeric(text)
	}
	negative := strings.HasPrefix(mantissa, "-")
	if negative || strings.HasPrefix(mantissa, "+") {
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole+fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return Number{}, notNumeric(text)
	}
	return newNumber(negative, whole+fraction, exponent+len(whole)-1)
}

// splitExponent cuts text at its exponent sign. Exponents beyond any legal number are clamped, so that they overflow
// as numbers and not as integers; a mantissa is never long enough to bring a clamped exponent back into range.
func splitExponent(text string) (mantissa string, exponent int, ok bool) {
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return text, 0, true
	}
	digits := text[i+1:]
	if unsigned := strings.TrimLeft(digits, "+-"); len(digits)-len(unsigned) > 1 || unsigned == "" || !allDigits(unsigned) {
		return "", 0, false
	}
	exponent, err := strconv.Atoi(digits)
	const clamp = 1 << 40
	switch {
	case err == nil && exponent > -clamp && exponent < clamp:
		return text[:i], exponent, true
	case digits[0] == '-':
		return text[:i], -clamp, true
	default:
		return text[:i], clamp, true
	}
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func notNumeric(text string) error {
	if text == "" {
		return &ValueError{"The parameter cannot be converted to a numeric value"}
	}
	return &ValueError{"The parameter cannot be converted to a numeric value: " + text}
}

// newNumber brings digits (whose first has the given exponent) to canonical form and checks the bounds.
func newNumber(negative bool, digits string, exponent int) (Number, error) {
	significant := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(significant)
	significant = strings.TrimRight(significant, "0")
	switch {
	case significant == "":
		return Number{}, nil
	case exponent > maxExponent:
		return Number{}, &ValueError{"Number overflow. Attempting to store a number with magnitude larger than supported range"}
	case exponent < minExponent:
		return Number{}, &ValueError{"Number underflow. Attempting to store a number with magnitude smaller than supported range"}
	case len(significant) > maxDigits:
		return Number{}, &ValueError{"Attempting to store more than 38 significant digits in a Number"}
	}
	return Number{negative: negative, digits: strings.Clone(significant), exponent: exponent}, nil
}

// Kind returns KindNumber.
func (Number) Kind() Kind { return KindNumber }

// String returns the canonical form, which the service answers with: plain notation, without an exponent.
func (n Number) String() string {
	if n.digits == "" {
		return "0"
	}
	var b strings.Builder
	if n.negative {
		b.WriteByte('-')
	}
	switch whole := n.exponent + 1; {
	case whole <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -whole))
		b.WriteString(n.digits)
	case whole >= len(n.digits):
		b.WriteString(n.digits)
		b.WriteString(strings.Repeat("0", whole-len(n.digits)))
	default:
		b.WriteString(n.digits[:whole])
		b.WriteByte('.')
		b.WriteString(n.digits[whole:])
	}
	return b.String()
}

// Add returns n + m, or a ValueError if the sum leaves the range or needs more than 38 digits.
func (n Number) Add(m Number) (Number, error) {
	unit := min(n.unit(), m.unit())
	sum := n.scaled(unit)
	sum.Add(sum, m.scaled(unit))
	text := new(big.Int).Abs(sum).String()
	return newNumber(sum.Sign() < 0, text, unit+len(text)-1)
}

// Sub returns n - m under the same rules as Add.
func (n Number) Sub(m Number) (Number, error) {
	m.negative = !m.negative && m.digits != ""
	return n.Add(m)
}

// unit returns the exponent of the last significant digit.
func (n Number) unit() int {
	if n.digits == "" {
		return 0
	}
	return n.exponent - len(n.digits) + 1
}

// scaled returns n / 10^unit as an integer. The exponents of two legal numbers lie at most some 300 digits apart, which
// bounds the integer.
func (n Number) scaled(unit int) *big.Int {
	i := new(big.Int)
	if n.digits == "" {
		return i
	}
	i.SetString(n.digits+strings.Repeat("0", n.unit()-unit), 10)
	if n.negative {
		i.Neg(i)
	}
	return i
}

// compare orders numbers by value.
func (n Number) compare(m Number) int {
	if s, t := n.sign(), m.sign(); s != t {
		return s - t
	}
	magnitude := n.exponent - m.exponent
	if magnitude == 0 {
		magnitude = strings.Compare(n.digits, m.digits)
	}
	if n.negative {
		return -magnitude
	}
	return magnitude
}

func (n Number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	default:
		return 1
	}
}

// AppendOrdered appends a form of n whose byte order is numeric order and of which none is a prefix of another, as the
// ordered storage needs it. It contains no zero byte except its last, or, for a negative number, a 0xff.
func (n Number) AppendOrdered(dst []byte) []byte {
	dst = append(dst, byte(n.sign()+2))
	if n.digits == "" {
		return dst
	}
	start := len(dst)
	biased := n.exponent - minExponent + 1
	dst = append(dst, byte(biased>>8)+1, byte(biased))
	dst = append(dst, n.digits...)
	dst = append(dst, 0)
	if n.negative {
		// Larger magnitudes are smaller numbers: turning every bit round turns the order round.
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}
