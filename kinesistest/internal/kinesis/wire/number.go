package wire

import (
	"math"
	"strconv"
)

// numberLen returns the length of the JSON number at the start of s, 0 if there is none.
func numberLen(s []byte) int {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := digits(s[i:])
	if whole == 0 || whole > 1 && s[i] == '0' {
		return 0
	}
	i += whole
	if i < len(s) && s[i] == '.' {
		n := digits(s[i+1:])
		if n == 0 {
			return 0
		}
		i += 1 + n
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		n := exponentLen(s[i:])
		if n == 0 {
			return 0
		}
		i += n
	}
	return i
}

// exponentLen returns the length of the exponent at the start of s, 0 if it has no digits.
func exponentLen(s []byte) int {
	i := 1
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	n := digits(s[i:])
	if n == 0 {
		return 0
	}
	return i + n
}

// digits counts the decimal digits at the start of s.
func digits(s []byte) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// wholeNumber converts the JSON number s if it is a whole one that an int64 holds.
func wholeNumber(s []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(s), 10, 64)
	return n, err == nil
}

// maxMillis bounds timestamps to years that time.Time and the service can print.
const maxMillis = 253402300800000 // the start of the year 10000

// secondsToMillis converts the JSON number s, seconds since the epoch, to milliseconds. A float64 holds 17 digits, which
// is far more than the 13 of a timestamp, so that rounding restores every millisecond.
func secondsToMillis(s []byte) (int64, bool) {
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.Abs(f) >= maxMillis/1000 {
		return 0, false
	}
	return int64(math.Round(f * 1000)), true
}
