// Package leasestest tells whether a lease store does what the coordination protocol relies on. A store's own tests call [Run];
// the stores of this module all pass.
//
// What it asks for: rows come back as they were written; a conditional write happens in one step or not at all, whichever clause
// of its condition fails, and never creates a row; of writes with the same fence one succeeds; what a write does not name stays;
// renewals that are made in one call stand alone; a context that has ended ends a call. The index may lag behind, so questions to it are repeated for a while.
//
// Files: run.go (the list), rows.go (reading and creating), writes.go (conditions and changes), renewals.go (several in one call), workers.go (workers' own rows), life.go (a
// worker over the store).
package leasestest
