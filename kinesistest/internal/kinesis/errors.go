package kinesis

import (
	"fmt"
	"net/http"
)

// A fault is an error that the service answers with. Its text goes to the client; where the service repeats a value of
// the request in it, so does the fault, because clients must be tested against that.
type fault struct {
	status  int // HTTP
	code    string
	message string
}

func (f *fault) Error() string { return f.code + ": " + f.message }

func clientFault(code, format string, args ...any) *fault {
	return &fault{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func invalidArgument(format string, args ...any) *fault {
	return clientFault("InvalidArgumentException", format, args...)
}

func notFound(format string, args ...any) *fault {
	return clientFault("ResourceNotFoundException", format, args...)
}

func inUse(format string, args ...any) *fault {
	return clientFault("ResourceInUseException", format, args...)
}

func limitExceeded(format string, args ...any) *fault {
	return clientFault("LimitExceededException", format, args...)
}

func expiredIterator() *fault {
	return clientFault("ExpiredIteratorException", "the shard iterator has expired: its lifetime is %s", iteratorLifetime)
}

// rateExceeded is how a shard refuses what is too much for it. The words are the service's: clients look for them.
func (st *stream) rateExceeded(s *shard) *fault {
	return clientFault("ProvisionedThroughputExceededException", "Rate exceeded for shard %s in stream %s under account %s.",
		s.id, st.name, st.account)
}

// invalid is the fault of a member that breaks a constraint of the service's model.
func invalid(member, format string, args ...any) *fault {
	return clientFault("ValidationException", "member %s: %s", member, fmt.Sprintf(format, args...))
}

// dryRun is how the service says that a request with DryRun set would have succeeded.
func dryRun() *fault {
	return clientFault("DryRunOperationException", "the request would have succeeded, but DryRun is set")
}

// unserializable is the fault of a document that cannot be read. It does not say where, as the service does not.
func unserializable() *fault {
	return clientFault("SerializationException", "the request could not be read")
}
