// Package seal keeps conditional writes in the family: a function that asks for a [Key] can be called from the packages below
// leases alone, since nobody else can name the type. The conformance suite of stores uses it to try every condition by itself.
// Files: seal.go (the key).
package seal
