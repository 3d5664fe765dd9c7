package kinesistest

import (
	"time"
)

// A Call is one request that reached the Server, as a log of an account's activity has it.
type Call struct {
	Caller string // see [Server.As]
	Action string // as policies of IAM name it, for example "kinesis:PutRecords"
	// Resources are the ARNs that IAM asks for permission on: a stream, a consumer (by its ARN, or as stream/NAME/consumer/NAME where the
	// request tells no more), tables, or an index; "*" where the action knows none.
	Resources []string
	Host      string    // that the request was sent to
	KeyID     string    // the access key that it was signed with
	At        time.Time // of its arrival
	Status    int       // of the reply; 0 while there is none, and where the connection was broken instead
}

// WithCallLog makes the Server write down the requests that it gets: the newest ones, as many as limit says.
func WithCallLog(limit int) Option { return func(c *config) { c.calls = limit } }

// Calls returns the requests of the log in the order of their arrival, nil if the Server was not made [WithCallLog]. What the elements
// refer to must not be changed.
func (s *Server) Calls() []Call {
	logged := s.calls.Calls()
	if logged == nil {
		return nil
	}
	calls := make([]Call, len(logged))
	for i := range logged {
		calls[i] = Call(logged[i])
	}
	return calls
}
