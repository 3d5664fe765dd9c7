package attribute

// Plain returns a string or a number as its text, and anything else in its wire form.
func Plain(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case Number:
		return v.String()
	default:
		return string(v.appendJSON(nil))
	}
}
