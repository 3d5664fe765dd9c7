package checksum

import "golang.org/x/sys/cpu"

var haveLanes = cpu.X86.HasAVX2

// digest takes so many blocks of 64 bytes into the state, at least one, those of each lane from where it reads.
//
//go:noescape
func digest(s *state, sines *[64]uint32, from *[lanes]*byte, blocks int)
