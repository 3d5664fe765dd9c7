package tee

// One returns a function that calls a and then b, or the one of them that is not nil, or nil.
func One[A any](a, b func(A)) func(A) {
	if a == nil || b == nil {
		return either(a, b, a == nil)
	}
	return func(x A) {
		a(x)
		b(x)
	}
}

// Two is [One] for functions of two arguments.
func Two[A, B any](a, b func(A, B)) func(A, B) {
	if a == nil || b == nil {
		return either(a, b, a == nil)
	}
	return func(x A, y B) {
		a(x, y)
		b(x, y)
	}
}

// Three is [One] for functions of three arguments.
func Three[A, B, C any](a, b func(A, B, C)) func(A, B, C) {
	if a == nil || b == nil {
		return either(a, b, a == nil)
	}
	return func(x A, y B, z C) {
		a(x, y, z)
		b(x, y, z)
	}
}

func either[F any](a, b F, second bool) F {
	if second {
		return b
	}
	return a
}
