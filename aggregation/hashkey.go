package aggregation

// maxHashKey is 2^128-1, the largest explicit hash key.
const maxHashKey = "340282366920938463463374607431768211455"

// trimHashKey takes away what the KPL takes away around a hash key: every byte up to and including the space character.
func trimHashKey(s string) string {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// canonicalHashKey returns the decimal text of the number that s spells, without sign and leading zeros, as the end of s; so it
// neither allocates nor does arithmetic. It reports false unless s is an optional plus sign and at least one ASCII digit, with
// a value of at most 2^128-1.
func canonicalHashKey(s string) (string, bool) {
	if len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	if len(s) == 0 || len(s) > len(maxHashKey) {
		return "", false
	}
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return "", false
		}
	}
	// Digit strings of one length compare as their numbers do.
	if len(s) == len(maxHashKey) && s > maxHashKey {
		return "", false
	}
	return s, true
}
