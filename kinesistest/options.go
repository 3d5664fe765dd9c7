package kinesistest

import (
	"time"

	"github.com/penstock-go/penstock/kinesistest/oracle"
)

// The account and the region that a Server plays unless options say otherwise.
const (
	DefaultAccountID = "123456789012"
	DefaultRegion    = "us-east-1"
)

type config struct {
	accountID  string
	region     string
	transition time.Duration
	limits     Limits
	oracle     *oracle.Log // nil if nothing is written down
	calls      int         // how many calls are kept

	readLag, backfill, expiryDelay time.Duration // of tables
}

// An Option changes how a Server behaves.
type Option func(*config)

// WithAccountID sets the twelve-digit account that appears in ARNs. The default is [DefaultAccountID].
func WithAccountID(id string) Option { return func(c *config) { c.accountID = id } }

// WithRegion sets the region that appears in ARNs and that the Server's clients sign for. The default is [DefaultRegion].
func WithRegion(region string) Option { return func(c *config) { c.region = region } }

// WithTransitionTime sets how long streams, consumers, tables and indexes stay in a state such as CREATING, UPDATING or
// DELETING. With zero, the default, such a state has passed before the call that starts it returns.
func WithTransitionTime(d time.Duration) Option { return func(c *config) { c.transition = d } }
