//go:build race

package leases_test

// The race detector makes a fleet ten times as slow: still one whose table is read in parts. And it does not bear many thousands of goroutines.
const (
	manyLeases     = 900
	defaultShards  = 550
	defaultWorkers = 6
)
