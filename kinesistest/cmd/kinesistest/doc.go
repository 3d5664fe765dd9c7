// Kinesistest serves the emulator of Kinesis, DynamoDB and CloudWatch on a port, for programs in other languages and for trying things
// out by hand. Its state is in memory and ends with it.
//
//	go run github.com/penstock-go/penstock/kinesistest/cmd/kinesistest@latest -stream orders=4
//
// One URL serves all services; with AWS_ENDPOINT_URL the AWS tools and SDKs of every language find it:
//
//	export AWS_ENDPOINT_URL=http://127.0.0.1:4567 AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
//	aws kinesis list-streams
//
// It listens on loopback unless -addr names another address: nothing authenticates its callers. With -tls it makes itself a certificate,
// which it writes to the file that -cert names, for clients to trust (AWS_CA_BUNDLE). Rates of the service are in force with -limits 1, and
// a fraction of them with less.
//
// It ends with status 0 when it is interrupted or terminated, with 2 on a mistake in the command line, with 1 if it cannot serve.
//
// Files: main.go (its life), settings.go (the command line).
package main
