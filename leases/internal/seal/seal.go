package seal

// Key is the right to spell a conditional write freely. Its zero value opens nothing.
type Key struct{ cut bool }

// Cut returns a key that opens.
func Cut() Key { return Key{cut: true} }

// Opens reports whether the key was made by [Cut]. A key that was conjured up by type inference outside the tree was not.
func (k Key) Opens() bool { return k.cut }
