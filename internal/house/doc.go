// Package house holds the rules of the house as tests: who may import whom, how long a file and a function may grow, where a
// goroutine may start. It has no code of its own.
//
// Files: arrows_test.go (imports), rooms_test.go (files and functions), calls_test.go (what may not be called), readme_test.go (its code compiles), named_test.go (tests that documents name), tree_test.go (reading
// the source tree).
package house
