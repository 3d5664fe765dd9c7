//go:build !amd64

package checksum

const haveLanes = false

// digest is not called.
func digest(*state, *[64]uint32, *[lanes]*byte, int) { panic("checksum: no lanes") }
