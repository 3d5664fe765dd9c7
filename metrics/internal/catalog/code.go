package catalog

import (
	"context"
	"errors"
	"net"
	"sync"

	"github.com/aws/smithy-go"
)

// codes bounds the values of a label that come from outside.
type codes struct {
	mu   sync.Mutex // guards seen
	seen map[string]bool
}

const maxCodes = 50

// bounded returns the code, or "other" where there have been too many different ones.
func (c *codes) bounded(code string) string {
	if code == "" {
		return "none"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = make(map[string]bool)
	}
	if !c.seen[code] && len(c.seen) >= maxCodes {
		return "other"
	}
	c.seen[code] = true
	return code
}

// Code returns what to call the failure of a call: the service's code, or why there is none.
func Code(err error) string {
	var api smithy.APIError
	var op *net.OpError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	case errors.As(err, &op) && op.Op == "dial":
		return "Unreachable"
	}
	return "Connection"
}

// Throttled reports whether a code says that a rate was exceeded.
func Throttled(code string) bool {
	switch code {
	case "ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException", "Throttling", "KMSThrottlingException",
		"RequestLimitExceeded", "TooManyRequestsException":
		return true
	}
	return false
}
