//go:build !race

package kinesistest_test

const raceEnabled = false
