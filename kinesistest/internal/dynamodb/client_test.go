package dynamodb

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inProcess carries requests to a handler without a socket.
type inProcess struct{ handler http.Handler }

func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// clientOf returns the SDK's client of db, which makes one attempt a call.
func clientOf(db *DB) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint:     aws.String("http://dynamodb.test"),
		Region:           "eu-west-1",
		Credentials:      credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:       &http.Client{Transport: inProcess{db}},
		RetryMaxAttempts: 1,
	})
}

func newClient(t *testing.T, opts Options) *sdk.Client {
	t.Helper()
	if opts.AccountID == "" {
		opts.AccountID, opts.Region = "123456789012", "eu-west-1"
	}
	db := New(opts)
	t.Cleanup(db.Close)
	return clientOf(db)
}

// must returns a function that unwraps an SDK call's answer and ends the test if it failed.
func must[T any](t *testing.T) func(out T, err error) T {
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("call failed: %v", err)
		}
		return out
	}
}

// refused demands that err is the service's error of the given code and message; an empty message stands for any.
func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got %v, want an API error %s", err, code)
	}
	if api.ErrorCode() != code || (message != "" && api.ErrorMessage() != message) {
		t.Fatalf("got %s: %q\nwant %s: %q", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue   { return &types.AttributeValueMemberN{Value: n} }
func bin(b string) types.AttributeValue   { return &types.AttributeValueMemberB{Value: []byte(b)} }
func boolean(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }
func null() types.AttributeValue          { return &types.AttributeValueMemberNULL{Value: true} }
func strs(s ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: s}
}
func nums(n ...string) types.AttributeValue {
	return &types.AttributeValueMemberNS{Value: n}
}
func bins(b ...string) types.AttributeValue {
	set := &types.AttributeValueMemberBS{}
	for _, one := range b {
		set.Value = append(set.Value, []byte(one))
	}
	return set
}
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func doc(fields item) types.AttributeValue { return &types.AttributeValueMemberM{Value: fields} }

func definition(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
}

func keySchema(names ...string) []types.KeySchemaElement {
	elements := []types.KeySchemaElement{{AttributeName: &names[0], KeyType: types.KeyTypeHash}}
	for _, name := range names[1:] {
		elements = append(elements, types.KeySchemaElement{AttributeName: &name, KeyType: types.KeyTypeRange})
	}
	return elements
}

func provisioned(read, write int64) *types.ProvisionedThroughput {
	return &types.ProvisionedThroughput{ReadCapacityUnits: &read, WriteCapacityUnits: &write}
}

func onDemandTable(name string) *sdk.CreateTableInput {
	return &sdk.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{definition("pk", types.ScalarAttributeTypeS)},
		KeySchema:            keySchema("pk"),
	}
}

// createTable makes an on-demand table whose key is a string called pk and, if sort is given, another key.
func createTable(t *testing.T, c *sdk.Client, name string, sort ...types.AttributeDefinition) {
	t.Helper()
	in := onDemandTable(name)
	for _, s := range sort {
		in.AttributeDefinitions = append(in.AttributeDefinitions, s)
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: s.AttributeName, KeyType: types.KeyTypeRange})
	}
	must[*sdk.CreateTableOutput](t)(c.CreateTable(t.Context(), in))
}

func sortKey(kind types.ScalarAttributeType) types.AttributeDefinition {
	return definition("sk", kind)
}

func put(t *testing.T, c *sdk.Client, table string, it item) {
	t.Helper()
	must[*sdk.PutItemOutput](t)(c.PutItem(t.Context(), &sdk.PutItemInput{TableName: &table, Item: it}))
}

func get(t *testing.T, c *sdk.Client, table string, key item) item {
	t.Helper()
	return must[*sdk.GetItemOutput](t)(c.GetItem(t.Context(), &sdk.GetItemInput{TableName: &table, Key: key})).Item
}
