// Package integration holds black-box scenarios that run the library against servers and libraries that its authors did not write. It has
// no code of its own, only tests.
//
// The servers are started by the package internal/servers, which `make servers` fills. Where they are not installed, the tests that need
// them say so and are skipped; with PENSTOCK_REQUIRE_SERVERS set they fail instead. What each of them does otherwise than the service is
// for the package conformance to say.
//
// The other way round, kinesistest serves programs in other languages: languages_test.go has one in Python, with the SDK of that language.
//
// Other scenarios run in virtual time against kinesistest: what the library needs to be allowed, against the policies in docs/policies; keys
// of encrypted streams that fail; endpoints and credentials.
//
// Files: main_test.go; policy_test.go and permissions_test.go (policies), encryption_test.go, endpoints_test.go; languages_test.go; quickstart_test.go (the
// quickstart's check against each of the servers), wire_test.go (their CBOR and ours), aws_test.go (the same on a real account, behind -tags aws: it costs about 0.30 US dollars a run and removes what it creates; its authors have not run it).
package integration
