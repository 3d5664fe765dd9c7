// Package servers starts servers that others wrote, for tests: kinesalite and kinesis-local play Kinesis, dynalite plays DynamoDB, moto
// plays both. Each listens on a free port of loopback and ends with the test that started it.
//
// They are npm packages, pinned in package-lock.json, and a Python package, pinned in requirements.txt with all that it needs. `make
// servers` installs them into this folder. Where a server is not installed, a test that needs it is skipped and says so; with
// PENSTOCK_REQUIRE_SERVERS set it fails instead.
//
// The KCL is built by Maven, from the folder integration/bench/java. Python gives tests the SDK of another language.
//
// Files: start.go; a program for each server, which starts it and prints its port.
package servers
