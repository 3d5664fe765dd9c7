// Package integration holds black-box scenarios that run the library against servers and libraries that its authors did not write. It has
// no code of its own, only tests.
//
// The servers are started by the package internal/servers, which `make servers` fills. Where they are not installed, the tests that need
// them say so and are skipped; with PENSTOCK_REQUIRE_SERVERS set they fail instead. What each of them does otherwise than the service is
// for the package conformance to say.
//
// The other way round, kinesistest serves programs in other languages: languages_test.go has one in Python, with the SDK of that language.
//
// Fleets are mixed: workers of the Kinesis Client Library, in processes of their own, and workers of this library share one application, and
// take over from each other.
//
// Other scenarios run in virtual time against kinesistest: what the library needs to be allowed, against the policies in docs/policies; keys
// of encrypted streams that fail; endpoints and credentials.
//
// Files:
//
//	main_test.go         leaked goroutines
//	contract_test.go     what programs outside are compiled against
//	quickstart_test.go   the quickstart's check against each of the servers
//	aws_test.go          the same on a real account, behind -tags aws: about 0.30 US dollars a run; it removes what it creates; not run by its authors
//	producer_test.go     the producer against each of the servers
//	wire_test.go         others' CBOR and ours
//	leases_test.go       the lease store
//	idle_unix_test.go    what a worker takes that has nothing to do
//	languages_test.go    the emulator, used from another language
//	kcl_test.go          workers in Go and in Java, one after the other and side by side
//	crew_test.go         how they are started, and what is noted of them
//	policy_test.go       policies, and permissions_test.go what is needed of them
//	encryption_test.go   keys that fail
//	endpoints_test.go    endpoints, accounts and credentials
//	tee_test.go          hooks that are joined
//	capacity_test.go     the sums of docs/capacity.md, and replay
//	overhead_test.go     a benchmark: what metrics cost
package integration
