package integration

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/consumer"
	"github.com/penstock-go/penstock/kinesistest"
	"github.com/penstock-go/penstock/producer"
)

// client returns a client as a program has it that sets no endpoint: the SDK chooses the host, and the emulator notes it.
func (a *account) client(change func(*kinesis.Options)) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: kinesistest.DefaultRegion, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""), HTTPClient: a.srv.As("app").HTTPClient(),
	}, change)
}

// withAccount is what the SDK's own providers return: credentials that name their account.
func withAccount(o *kinesis.Options) {
	o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", AccountID: kinesistest.DefaultAccountID}, nil
	})
}

// pipe sends records through the stream with one client and returns the hosts that it was sent to.
func (a *account) pipe(client *kinesis.Client, name string, fanOut bool) []string {
	a.t.Helper()
	for _, res := range a.tryProduce(10, func(cfg *producer.Config) { cfg.Kinesis, cfg.Stream = client, name }) {
		must(a.t, res.Err)
	}
	f := &fleet{a: a}
	f.start(func(cfg *consumer.Config) {
		cfg.Kinesis, cfg.Streams = client, []consumer.Stream{{ARN: name, FanOut: fanOut}}
		if name == stream {
			cfg.Streams = []consumer.Stream{{Name: name, FanOut: fanOut}}
		}
	})
	time.Sleep(time.Minute)
	f.end()
	if got := a.handled.Load(); got != 10 {
		a.t.Errorf("%d of 10 records handled", got)
	}
	hosts := make(map[string]bool)
	for _, call := range a.srv.Calls() {
		if call.Caller == "app" {
			hosts[call.Host] = true
		}
	}
	return slices.Sorted(maps.Keys(hosts))
}

func TestEveryCallGoesToTheEndpointThatTheClientIsSetTo(t *testing.T) {
	const accountHosts = "123456789012"
	for name, test := range map[string]struct {
		change func(*kinesis.Options)
		byARN  bool
		want   []string
	}{
		"plain": {func(*kinesis.Options) {}, false, []string{"kinesis.us-east-1.amazonaws.com"}},
		"account of the credentials": {withAccount, false, []string{accountHosts + ".control-kinesis.us-east-1.amazonaws.com",
			accountHosts + ".data-kinesis.us-east-1.amazonaws.com"}},
		"no account by the client's options": {func(o *kinesis.Options) {
			withAccount(o)
			o.AccountIDEndpointMode = aws.AccountIDEndpointModeDisabled
		}, false, []string{"kinesis.us-east-1.amazonaws.com"}},
		"stream by ARN": {func(*kinesis.Options) {}, true, []string{accountHosts + ".control-kinesis.us-east-1.amazonaws.com",
			accountHosts + ".data-kinesis.us-east-1.amazonaws.com"}},
		"FIPS": {func(o *kinesis.Options) { o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled }, false,
			[]string{"kinesis-fips.us-east-1.amazonaws.com"}},
		"dual-stack": {func(o *kinesis.Options) { o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled }, false,
			[]string{"kinesis.us-east-1.api.aws"}},
		"FIPS and dual-stack by ARN": {func(o *kinesis.Options) {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}, true, []string{accountHosts + ".control-kinesis-fips.us-east-1.api.aws", accountHosts + ".data-kinesis-fips.us-east-1.api.aws"}},
		"VPC endpoint": {func(o *kinesis.Options) {
			o.BaseEndpoint = aws.String("https://vpce-0123-abcd.kinesis.us-east-1.vpce.amazonaws.com")
		}, true, []string{"vpce-0123-abcd.kinesis.us-east-1.vpce.amazonaws.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			inAccount(t, func(a *account) {
				address := stream
				if test.byARN {
					address = a.arn()
				}
				if got := a.pipe(a.client(test.change), address, false); !slices.Equal(got, test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
			})
		})
	}
}

// Another account's stream is named by its ARN; every call must carry it, those too that have an iterator to go by.
func TestAStreamOfAnotherAccountIsReachedByItsARNAlone(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		inAccount(t, func(a *account) {
			client := a.client(func(o *kinesis.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
					return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret", AccountID: "999999999999"}, nil
				})
			})
			want := []string{"123456789012.control-kinesis.us-east-1.amazonaws.com", "123456789012.data-kinesis.us-east-1.amazonaws.com"}
			if got := a.pipe(client, a.arn(), fanOut); !slices.Equal(got, want) {
				a.t.Errorf("got %v", got)
			}
		})
	}
}

// role is an assumed role: its credentials live for a quarter of an hour.
type role struct{ issued map[string]time.Time }

const roleTime = 15 * time.Minute

func (r *role) Retrieve(context.Context) (aws.Credentials, error) {
	id := time.Now().UTC().Format("150405")
	r.issued[id] = time.Now()
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: "secret", SessionToken: "token", CanExpire: true, Expires: time.Now().Add(roleTime)}, nil
}

// The service refuses each request whose credentials are over. Nobody may make one, for hours, however long its own calls last.
func TestCredentialsOfAnAssumedRoleAreRenewedWhileRunning(t *testing.T) {
	for _, fanOut := range []bool{false, true} {
		inAccount(t, func(a *account) {
			r := &role{issued: make(map[string]time.Time)}
			cache := aws.NewCredentialsCache(r, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = time.Minute })
			client := kinesis.New(a.srv.As("app").Kinesis().Options(), func(o *kinesis.Options) { o.Credentials = cache })
			a.hours(client, fanOut)
			a.checkKeys(r)
		})
	}
}

// hours puts and reads records every ten minutes for three hours.
func (a *account) hours(client *kinesis.Client, fanOut bool) {
	p, err := producer.New(producer.Config{Kinesis: client, Stream: stream})
	must(a.t, err)
	f := &fleet{a: a}
	f.start(func(cfg *consumer.Config) {
		cfg.Kinesis, cfg.PollInterval = client, 10*time.Second
		cfg.Streams[0].FanOut, cfg.FailoverTime = fanOut, 2*time.Minute
	})
	for range 18 {
		time.Sleep(10 * time.Minute)
		_, err := p.PutSync(a.t.Context(), producer.Record{PartitionKey: "k", Data: []byte("d")})
		must(a.t, err)
	}
	time.Sleep(time.Minute)
	f.end()
	must(a.t, p.Close(a.t.Context()))
	if got := a.handled.Load(); got != 18 {
		a.t.Errorf("%d of 18 records handled", got)
	}
}

func (a *account) checkKeys(r *role) {
	used := make(map[string]int)
	for _, call := range a.srv.Calls() {
		if call.Caller != "app" {
			continue
		}
		used[call.KeyID]++
		if since, ok := r.issued[call.KeyID]; !ok || call.At.Sub(since) >= roleTime {
			a.t.Errorf("%s was signed with the key %q, %v after it was issued", call.Action, call.KeyID, call.At.Sub(since))
		}
	}
	if len(used) < 12 { // three hours of quarters
		a.t.Errorf("%d keys were used: %v", len(used), used)
	}
}

// Clocks differ, and a role can be revoked: a token that the service calls expired costs time and no record.
func TestATokenThatIsRefusedAsExpiredCostsNoRecord(t *testing.T) {
	inAccount(t, func(a *account) {
		f := &fleet{a: a}
		var refused atomic.Int64
		f.start(func(cfg *consumer.Config) {
			cfg.Streams[0].FanOut = false
			cfg.Hooks.FetchFailed = func(_ consumer.Shard, err error) {
				if refused.Add(1); errors.Is(err, consumer.ErrAccessDenied) {
					a.t.Errorf("told %v", err)
				}
			}
		})
		time.Sleep(time.Minute)
		expired := kinesistest.Fail(400, "ExpiredTokenException", "The security token included in the request is expired")
		reads := a.srv.Inject(kinesistest.Fault{Operation: "GetRecords", Count: 3, Do: expired})
		puts := a.srv.Inject(kinesistest.Fault{Operation: "PutRecords", Count: 2, Do: expired})
		a.produce(10)
		time.Sleep(time.Minute)
		f.end()
		if got := a.handled.Load(); got != 10 || reads.Fired() != 3 || puts.Fired() != 2 || refused.Load() != 3 {
			a.t.Errorf("%d of 10 records handled, %d reads and %d puts refused, told %d times", got, reads.Fired(), puts.Fired(), refused.Load())
		}
	})
}
