package kinesistest

import (
	"net/http"
	"time"

	"github.com/penstock-go/penstock/kinesistest/internal/fault"
)

// A Fault is a rule: to which requests something bad happens, and what. It is put in force by [Server.Inject].
//
//	srv.Inject(kinesistest.Fault{Operation: "PutRecords", Skip: 2, Count: 1, Do: kinesistest.DropReply()})
//	srv.Inject(kinesistest.Fault{Service: kinesistest.DynamoDB, Caller: "worker-1", Probability: 0.1, Seed: 7, Do: kinesistest.Throttle()})
//
// The fields from Service to Key say which requests the rule is about. Each that is not empty must fit.
//
// Of those requests, Skip are spared first. Then each is hurt with the given Probability, until Count were. The order in which requests
// arrive decides; clients that race for it make it differ from run to run, whatever the Seed.
type Fault struct {
	Service   string // [Kinesis], [DynamoDB] or [CloudWatch]
	Operation string // the service's name of it, for example "GetRecords"; "" in the oldest protocol of CloudWatch, the form
	Caller    string // who asks: see [Server.As]
	Stream    string // the stream's name, given by its name, its ARN, a consumer's ARN or a shard iterator
	Shard     string // the shard's ID, given as such or by a shard iterator; which shard a put goes to, only [RefuseRecords] can tell
	Table     string // the table's name; one of several is enough
	Key       string // the value of the item's partition key, for example a lease key; one of several is enough

	Skip        int     // how many requests to spare before the first is hurt
	Count       int     // how many requests to hurt; 0 is no limit
	Probability float64 // of being hurt, for each request that is not spared; 0 is always
	Seed        uint64  // of the rule's random numbers: the same requests in the same order are treated alike

	Do Effect // what happens; the zero Effect is nothing, which counts requests
}

// The services that a [Fault] may name.
const (
	Kinesis    = fault.Kinesis
	DynamoDB   = fault.DynamoDB
	CloudWatch = fault.CloudWatch
)

// An Effect is what a [Fault] does to a request.
//
//	                 the service acts   the client sees
//	Fail, Throttle   no                 an error of the service
//	RefuseRecords    on the others      failed entries in the reply
//	Reset            no                 a broken connection, no reply
//	Hang             no                 nothing, until it gives up
//	Delay            yes                the reply, late
//	DropReply        yes                a broken connection, no reply
//	Twice            twice              the second reply
//	Again            twice              the first reply
//	GoAway           yes                the reply, and the end of the connection
//	FailLate         yes                an error of the service
//	Truncate         yes                a part of the reply, then a broken connection
//	Corrupt          yes                a damaged reply
//	Silence          yes                nothing, until it gives up
//
// If several faults hurt one request, the effects are nested, that of the first injected one outermost.
//
// All effects work over sockets as they do without. Over HTTP/2 a broken connection is a broken stream: the client's other
// requests go on.
type Effect = fault.Effect

// An Injection is a [Fault] in force.
type Injection struct{ in *fault.Injection }

// Fired returns how many requests the fault has hurt. A test that injects a fault should check that it was one.
func (i *Injection) Fired() int { return i.in.Fired() }

// Remove ends the fault. Requests that it is hurting already stay hurt. Remove may be called more than once.
func (i *Injection) Remove() { i.in.Remove() }

// Inject puts a fault in force, for requests that arrive from now on.
func (s *Server) Inject(f Fault) *Injection {
	return &Injection{s.faults.Inject(fault.Rule(f))}
}

// Partition cuts callers off the Server, as a network does, until heal is called: requests do not arrive and replies do not
// leave, those of subscriptions and other requests in progress included. Both are held, and go on their way when the
// partition heals, unless the caller has given up before: then a request has never arrived, and a reply is lost, though the
// service has acted. Callers are those of [Server.As]. heal may be called more than once.
//
// For callers that are refused instead of cut off, inject a [Fault] with the Caller's name and [Reset].
func (s *Server) Partition(callers ...string) (heal func()) {
	return s.faults.Cut(callers...).Heal
}

// ExpireIterators makes the shard iterators that were issued until now expire before their time: those of one shard, of every
// shard of the stream if shard is "", of every stream if both are "". Iterators that are issued later are good. It reports
// whether there is such a shard.
func (s *Server) ExpireIterators(stream, shard string) bool {
	return s.kinesis.ExpireIterators(stream, shard)
}

// Fail answers with an error of the service: an HTTP status, the error's code, for example "InternalFailure", and a message.
func Fail(status int, code, message string) Effect { return fault.Fail(status, code, message) }

// Throttle answers with ProvisionedThroughputExceededException, which Kinesis and DynamoDB have in common.
func Throttle() Effect {
	return fault.Fail(http.StatusBadRequest, "ProvisionedThroughputExceededException", "Rate exceeded")
}

// RefuseRecords refuses each record of a put with the given probability, and only those of one shard if the [Fault] names one.
// Refused records fail with the code in the reply to PutRecords; a PutRecord fails as a whole.
func RefuseRecords(code string, probability float64) Effect {
	return fault.RefuseRecords(code, "Refused by an injected fault", probability)
}

// Reset breaks the connection before the service acts.
func Reset() Effect { return fault.Reset() }

// Hang never answers, and the service does not act. It ends with the request's context and with the Server.
func Hang() Effect { return fault.Hang() }

// Delay waits before the service acts, and once more before the reply, or the first part of it, leaves. A negative time is for
// ever. A client that gives up in the first of the two has not been heard.
func Delay(before, after time.Duration) Effect { return fault.Delay(before, after) }

// DropReply lets the service act, and breaks the connection before the reply: the client cannot know.
func DropReply() Effect { return fault.DropReply() }

// Twice lets the service act twice, as if a proxy had lost the first reply and sent the request again. The client gets the
// second reply.
func Twice() Effect { return fault.Twice() }

// Again lets the service act, and act on the same request once more when time has passed after the reply: a network has kept a copy. The
// client has gone on by then, and never hears of it. A Server that is closed before forgets the copy.
func Again(after time.Duration) Effect { return fault.Again(after) }

// GoAway lets the service act, and tells the client not to use the connection again, as a host does that is about to leave: by a header
// over HTTP/1.1, by a GOAWAY frame over HTTP/2, where requests in progress end in peace. Without a socket it does nothing.
func GoAway() Effect { return fault.GoAway() }

// FailLate lets the service act, and answers with an error all the same: HTTP status 500 and the code, for example "InternalFailure".
// A subscription ends with an exception of that code, after the given number of events; for other replies the number has no meaning.
func FailLate(events int, code, message string) Effect {
	return fault.FailLate(events, http.StatusInternalServerError, code, message)
}

// Truncate lets the service act, and breaks the connection in the middle of the reply. A subscription breaks in the middle of an
// event, after the given number of whole ones, which the SDK's client reports as a plain end without an error; for other replies the
// number has no meaning.
func Truncate(events int) Effect { return fault.Truncate(events) }

// Corrupt lets the service act and damages the reply. Of a subscription that is one event, after the given number of good ones:
// its checksum is wrong. So is that of a reply of DynamoDB. Other replies have none: theirs cannot be parsed.
func Corrupt(events int) Effect { return fault.Corrupt(events) }

// Silence lets the service act, and sends nothing more, but leaves the connection open until the client closes it. A subscription
// falls silent after the given number of events, heartbeats included; of other replies nothing arrives.
func Silence(events int) Effect { return fault.Silence(events) }
