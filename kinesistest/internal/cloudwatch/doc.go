// Package cloudwatch is the receiving end of Amazon CloudWatch: PutMetricData in the protocols that clients send it in, with the
// service's checks. What was accepted can be read back by tests.
//
// # Protocols
//
// All arrive by POST and may be compressed with gzip:
//
//	Smithy RPC v2 CBOR   path /service/GraniteServiceVersion20100801/operation/PutMetricData, header Smithy-Protocol: rpc-v2-cbor
//	JSON 1.0             header X-Amz-Target: GraniteServiceVersion20100801.PutMetricData
//	query                a form, Action=PutMetricData, lists as MetricData.member.1.MetricName; answered in XML
//
//	ServeHTTP -> unpack -> decoder of rpc, json or query -> request -> check -> kept
//
// A refusal in the first two carries its name twice: as __type in the body and, in the query protocol's spelling, in the header
// X-Amzn-Query-Error.
//
// # Invariants
//
//   - A request is accepted as a whole or not at all.
//   - No request makes the package panic, answer with a 5xx status, or hold more memory than a small multiple of the service's
//     limit of one megabyte: decoders stop collecting behind the service's limits, and gzip is unpacked up to that size only.
//   - At most twice Options.Keep data are kept, of which the newest Options.Keep can be read.
//
// Error texts are the service's own words where they are known, and go to the client as they stand; they carry no package
// prefix.
//
// Files, in reading order: db.go, metric.go, errors.go, serve.go; rpc.go and cbor.go; json.go; query.go; check.go.
package cloudwatch
