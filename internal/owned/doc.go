// Package owned is the ledger of goroutines: every goroutine of the library is started here, under a name, by a [Group] whose
// owner waits for it. A leak is then a goroutine that somebody waits for in vain, and has a name.
//
// Files: group.go.
package owned
