package conformance

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"go.uber.org/goleak"

	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/kinesistest"
)

var update = flag.Bool("update", false, "write what the servers do into the document")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// A rule is one thing that the service does.
type rule struct {
	says string // as the table has it
	// try returns "" if the server does it, and otherwise what it does instead, in a few words that are the same every time.
	try func(p *place) string
}

// A suite is the rules of one service and the servers that play it.
type suite struct {
	service string
	rules   []rule
	servers []string
	options []kinesistest.Option // of kinesistest, which leaves out some of what the service does unless it is asked for it
}

var suites = []suite{
	{
		service: "Kinesis", rules: slices.Concat(streamRules, putRules, getRules, reshardRules, fanOutRules, wireRules),
		servers: []string{"kinesistest", "kinesalite", "kinesis-local", "moto"},
	},
	{
		service: "Rates", rules: rateRules, servers: []string{"kinesistest", "kinesalite"},
		options: []kinesistest.Option{kinesistest.WithLimits(kinesistest.Limits{Shards: 1})},
	},
	{
		service: "DynamoDB", rules: slices.Concat(tableRules, itemRules, expressionRules, readRules, transactionRules, statementRules),
		servers: []string{"kinesistest", "dynalite", "moto"},
	},
}

// follows is what the table says of a rule that a server follows.
const follows = "yes"

func TestEveryServerDoesWhatTheTableSays(t *testing.T) {
	doc := readDocument(t)
	t.Run("servers", func(t *testing.T) { // returns when those that run side by side have ended
		for _, s := range suites {
			known := doc.section(t, s)
			for column, server := range s.servers {
				t.Run(s.service+" by "+server, func(t *testing.T) {
					t.Parallel()
					compare(t, s, server, known, column)
				})
			}
		}
	})
	if *update {
		doc.write(t)
	}
}

// compare tries every rule on a server.
func compare(t *testing.T, s suite, server string, known *section, column int) {
	p := open(t, server, s.options)
	for i, r := range s.rules {
		got := p.attempt(r)
		cell := &known.cells[i][column]
		if *update {
			*cell = got
			continue
		}
		if got != *cell {
			t.Errorf("%s\n\tthe table says: %s\n\tthe server:     %s", r.says, *cell, got)
		}
	}
}

// open starts a server and connects to it.
func open(t *testing.T, server string, options []kinesistest.Option) *place {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	var url string
	if server == "kinesistest" {
		srv := kinesistest.New(options...)
		t.Cleanup(func() {
			if err := srv.Close(); err != nil {
				t.Error(err)
			}
		})
		var err error
		if url, err = srv.Listen("127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetUnencryptedHTTP2(true)
	} else {
		url = servers.Start(t, server)
	}
	return connect(t, server, url, &http.Client{Transport: ownBodies{transport}})
}

// ownBodies sends a copy of each body. The SDK closes its own when the reply begins; where the server is so near that the transport has not
// looked for the body's end by then, it takes that for a failed write and breaks the connection, with the reply half read.
type ownBodies struct{ transport http.RoundTripper }

func (o ownBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return o.transport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	own := r.Clone(r.Context())
	own.Body = io.NopCloser(bytes.NewReader(body))
	return o.transport.RoundTrip(own)
}

func connect(t *testing.T, server, url string, client *http.Client) *place {
	// An account of twelve digits: kinesis-local takes the key for one.
	nobody := credentials.NewStaticCredentialsProvider("123456789012", "secret", "")
	return &place{
		t: t, server: server, url: url, http: client, Kinesis: kinesis.New(kinesis.Options{
			Region: "us-east-1", BaseEndpoint: &url, Credentials: nobody, HTTPClient: client, RetryMaxAttempts: 1,
		}), DynamoDB: dynamodb.New(dynamodb.Options{
			Region: "us-east-1", BaseEndpoint: &url, Credentials: nobody, HTTPClient: client, RetryMaxAttempts: 1,
		}),
	}
}

// ruleTime is how long a server may take for one rule.
const ruleTime = time.Minute

// attempt tries a rule. A rule that cannot come to its point ends early, with what stood in its way.
func (p *place) attempt(r rule) (outcome string) {
	ctx, cancel := context.WithTimeout(p.t.Context(), ruleTime)
	defer cancel()
	p.ctx = ctx
	defer func() {
		switch stopped := recover().(type) {
		case nil:
		case obstacle:
			outcome = string(stopped)
		default:
			panic(fmt.Sprintf("%s: %v", r.says, stopped))
		}
	}()
	if instead := r.try(p); instead != "" {
		return instead
	}
	return follows
}
