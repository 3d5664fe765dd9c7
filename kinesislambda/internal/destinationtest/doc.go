// Package destinationtest stands in for the services that destinations send to: a transport under the SDK's own clients, and a message.
// Its files: wire.go, record.go.
package destinationtest
