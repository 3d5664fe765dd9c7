package dynamodb

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// renewal is the request that a worker sends most: a conditional update of one lease.
const renewal = `{"TableName":"app","Key":{"pk":{"S":"k0000"}},"UpdateExpression":"SET leaseCounter = leaseCounter + :one",` +
	`"ConditionExpression":"attribute_exists(pk) AND attribute_not_exists(checkpointOwner)","ExpressionAttributeValues":{":one":{"N":"1"}},` +
	`"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`

func benchmarkTable(b *testing.B) *DB { return leaseTable(b, 1000) }

// leaseTable makes a database with a table of leases whose keys are k and the number, of four digits at least.
func leaseTable(b testing.TB, leases int) *DB {
	b.Helper()
	db := New(Options{AccountID: "1", Region: "r"})
	create := `{"TableName":"app","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],` +
		`"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}]}`
	if w := post(db, targetPrefix+"CreateTable", create); w.Code != http.StatusOK {
		b.Fatal(w.Body)
	}
	for i := range leases {
		body := fmt.Sprintf(`{"TableName":"app","Item":{"pk":{"S":"k%04d"},"leaseCounter":{"N":"0"},"leaseOwner":{"S":"worker-%d"},`+
			`"checkpoint":{"S":"49590338271490256608559692538361571095921575989136588898"},"parentShardId":{"SS":["shardId-000000000000"]}}}`, i, i%10)
		if w := post(db, targetPrefix+"PutItem", body); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	return db
}

func BenchmarkRenewal(b *testing.B) {
	db := benchmarkTable(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := db.call("", "UpdateItem", []byte(renewal)); err != nil {
			b.Fatal(err)
		}
	}
}

// What a renewal costs must not depend on how many leases there are: both figures are of one run.
func BenchmarkRenewalAmongManyLeases(b *testing.B) {
	for _, leases := range []int{100, 100_000} {
		b.Run(fmt.Sprint(leases), func(b *testing.B) {
			db := leaseTable(b, leases)
			for b.Loop() {
				if _, err := db.call("", "UpdateItem", []byte(renewal)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRenewalThroughTheSDK(b *testing.B) {
	c := clientOf(benchmarkTable(b))
	in := &sdk.UpdateItemInput{
		TableName: aws.String("app"), Key: item{"pk": str("k0000")}, UpdateExpression: aws.String("SET leaseCounter = leaseCounter + :one"),
		ConditionExpression:       aws.String("attribute_exists(pk) AND attribute_not_exists(checkpointOwner)"),
		ExpressionAttributeValues: item{":one": num("1")},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.UpdateItem(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanOfAThousandLeases(b *testing.B) {
	db := benchmarkTable(b)
	b.ReportAllocs()
	for b.Loop() {
		if w := post(db, targetPrefix+"Scan", `{"TableName":"app"}`); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// Twenty-five renewals in one request, as BenchmarkRenewal has one.
func BenchmarkBatchOfRenewals(b *testing.B) {
	db := benchmarkTable(b)
	var statements []string
	for i := range maxStatements {
		statements = append(statements, fmt.Sprintf(`{"Statement":"UPDATE \"app\" SET \"leaseCounter\" = \"leaseCounter\" + 1 SET \"leaseOwner\" = ? `+
			`WHERE \"pk\" = ? AND \"leaseCounter\" > ? AND \"checkpointOwner\" IS MISSING RETURNING ALL NEW *",`+
			`"Parameters":[{"S":"worker"},{"S":"k%04d"},{"N":"-1"}],"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`, i))
	}
	body := []byte(`{"Statements":[` + strings.Join(statements, ",") + `]}`)
	b.ReportAllocs()
	for b.Loop() {
		out, err := db.call("", "BatchExecuteStatement", body)
		if err != nil || out.(*batchExecuteOutput).Responses[maxStatements-1].Error != nil {
			b.Fatal(out, err)
		}
	}
}
