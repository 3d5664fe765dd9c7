//go:build !race

package leases_test

const (
	manyLeases     = 6000
	defaultShards  = 1000
	defaultWorkers = 20
)
