package cloudwatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"go.uber.org/zap"
)

// API is the part of the CloudWatch client that is called; *cloudwatch.Client satisfies it.
type API interface {
	PutMetricData(context.Context, *cloudwatch.PutMetricDataInput, ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error)
}

// Level is how much is put.
type Level uint8

const (
	// Summary is what the KPL and the KCL call so: enough to see that all is well, and for alarms.
	Summary Level = iota
	// Detailed is everything. It is the default of both, and costs about twice as much.
	Detailed
)

// Config says where metrics go and how many. Client and Namespace are required.
type Config struct {
	// Client is the client to put metrics with. Its own retries are not used.
	Client API
	// Namespace is that of all metrics. The KCL's is the application's name.
	Namespace string
	// Level is how much is put. Default: Summary.
	Level Level
	// Shards puts metrics of single shards besides those of the whole: at Summary six for each shard that is read, and four for each that
	// is written, at 0.30 US dollars a month each.
	Shards bool
	// Streams puts metrics of single streams of a consumer that reads several, besides those of the whole: at Summary six for each stream.
	// Shards implies it, since shards of different streams have the same ids.
	Streams bool
	// WorkerID, if it is set, puts the metrics of leases by worker. Each worker that ever was costs a month of them.
	WorkerID string

	// Interval is the time between two puts: at least a second. Default: one minute, which is how CloudWatch keeps them.
	Interval time.Duration
	// Timeout is when a request is given up. Default: 5 seconds.
	Timeout time.Duration
	// MaxSeries bounds the combinations of name and dimensions, in the interval that is under way and once more in those that could not
	// be put yet; what exceeds them is counted and dropped. Those of shards take half of it at most. About 300 bytes of memory each.
	// Default: 10,000.
	MaxSeries int
	// Logger is told of requests that fail. Default: none.
	Logger *zap.Logger
}

// ErrConfig is matched by the errors of New.
var ErrConfig = errors.New("cloudwatch: wrong configuration")

const (
	defaultInterval  = time.Minute
	minInterval      = time.Second
	defaultTimeout   = 5 * time.Second
	defaultMaxSeries = 10_000
)

func (c Config) withDefaults() Config {
	c.Interval = cmp.Or(c.Interval, defaultInterval)
	c.Timeout = cmp.Or(c.Timeout, defaultTimeout)
	c.MaxSeries = cmp.Or(c.MaxSeries, defaultMaxSeries)
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	return c
}

func (c Config) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%w: Config."+format, append([]any{ErrConfig}, args...)...))
		}
	}
	check(c.Client != nil, "Client is missing; set a *cloudwatch.Client")
	check(c.Namespace != "" && len(c.Namespace) <= 255, "Namespace has %d characters; set 1 to 255", len(c.Namespace))
	check(c.Level <= Detailed, "Level is %d; set Summary or Detailed", c.Level)
	check(c.Interval == 0 || c.Interval >= minInterval, "Interval is %v; set at least %v", c.Interval, minInterval)
	check(c.Timeout >= 0, "Timeout is %v; set a positive duration, or 0 for the default", c.Timeout)
	check(c.MaxSeries >= 0, "MaxSeries is %d; set a positive number, or 0 for the default", c.MaxSeries)
	return errors.Join(faults...)
}
