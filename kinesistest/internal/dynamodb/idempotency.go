package dynamodb

import (
	"crypto/sha256"
	"sync"
	"time"
)

// tokenWindow is how long the service remembers the token of a transaction, from its documentation.
const tokenWindow = 10 * time.Minute

// tokens remembers the transactions that clients gave a ClientRequestToken, so that one that is sent again within the window
// is answered like the first time and not run again:
//
//	unknown --begin--> running --finish(done)--> done --window over--> unknown
//	                      \------finish(nil)----------------------------^
type tokens struct {
	mu    sync.Mutex // guards both fields; held for the look-up only, never while a transaction runs
	known map[string]*idempotent
	order []*idempotent // done ones, by the time of their end, so that the oldest goes first
}

// idempotent is one transaction under its token.
type idempotent struct {
	token   string
	request [sha256.Size]byte // of its canonical form
	answer  *transactWriteOutput
	expires time.Time // zero while it is running
}

// begin claims a token for a request. It returns the answer of the same request if that has been done, nil if the caller is
// to do it and then to call finish.
func (s *tokens) begin(token string, request [sha256.Size]byte, now time.Time) (*transactWriteOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	switch before := s.known[token]; {
	case before == nil:
		if s.known == nil {
			s.known = make(map[string]*idempotent)
		}
		s.known[token] = &idempotent{token: token, request: request}
		return nil, nil
	case before.request != request:
		return nil, refusal("IdempotentParameterMismatchException",
			"Request parameters do not match the parameters of the earlier request with the same client token")
	case before.expires.IsZero():
		return nil, refusal("TransactionInProgressException", "The transaction with the given request token is already in progress")
	default:
		return before.answer, nil
	}
}

// finish ends what begin began: with the answer that later requests with the token get, or with nil if there is none because
// the transaction was refused, which frees the token.
func (s *tokens) finish(token string, answer *transactWriteOutput, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer == nil {
		delete(s.known, token)
		return
	}
	done := s.known[token]
	done.answer, done.expires = answer, now.Add(tokenWindow)
	s.order = append(s.order, done)
}

// expire forgets tokens whose window is over. The caller holds mu.
func (s *tokens) expire(now time.Time) {
	over := 0
	for over < len(s.order) && !now.Before(s.order[over].expires) {
		delete(s.known, s.order[over].token)
		over++
	}
	s.order = s.order[over:]
}
