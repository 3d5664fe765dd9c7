// Package checksum computes the MD5 of several messages side by side. One MD5 is a chain of additions of which each waits for the one before,
// so that most of a processor stands idle; in vectors, each message a lane of them, several take little longer than one.
//
// MD5 is the checksum of the aggregate format, not cryptography. Where Go's cryptography is in FIPS mode, crypto/md5 alone is used, so that it
// decides.
//
// # Files, in reading order
//
//	md5.go           Sums, and which lane works on which message
//	lanes_amd64.go   what the processor can do
//	lanes_amd64.s    whole blocks of all lanes, with AVX2
//	lanes_other.go   where there are no lanes
package checksum
