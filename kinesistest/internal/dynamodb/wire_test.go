package dynamodb

import (
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// post sends one raw request.
func post(db *DB, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://dynamodb.test/", strings.NewReader(body))
	if target != "" {
		r.Header.Set("X-Amz-Target", target)
	}
	w := httptest.NewRecorder()
	db.ServeHTTP(w, r)
	return w
}

func TestAnswersCarryTheServicesHeaders(t *testing.T) {
	db := New(Options{})
	for _, operation := range []string{"ListTables", "Nonsense"} {
		w := post(db, targetPrefix+operation, "{}")
		h := w.Header()
		if sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10); h.Get("X-Amz-Crc32") != sum {
			t.Errorf("%s: checksum %s, want %s", operation, h.Get("X-Amz-Crc32"), sum)
		}
		date, err := http.ParseTime(h.Get("Date"))
		if err != nil || time.Since(date) > time.Minute {
			t.Errorf("%s: date %q", operation, h.Get("Date"))
		}
		if h.Get("Content-Type") != "application/x-amz-json-1.0" || len(h.Get("X-Amzn-Requestid")) != 52 ||
			h.Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: headers %v", operation, h)
		}
	}
}

func TestRequestThatIsNoneIsRefused(t *testing.T) {
	db := New(Options{})
	for _, test := range []struct{ target, body, want string }{
		{"", "{}", `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"DynamoDB_20120810.Nonsense", "{}", `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"Kinesis_20131202.ListTables", "{}", `{"__type":"com.amazon.coral.service#UnknownOperationException"}`},
		{"DynamoDB_20120810.ListTables", "", `{"Message":"Unexpected token received from parser","__type":"com.amazon.coral.service#SerializationException"}`},
		{"DynamoDB_20120810.ListTables", "{", `{"Message":"Unexpected token received from parser","__type":"com.amazon.coral.service#SerializationException"}`},
		{"DynamoDB_20120810.ListTables", `[]`, `{"Message":"Unrecognized collection type class Map","__type":"com.amazon.coral.service#SerializationException"}`},
		{"DynamoDB_20120810.ListTables", `{"Limit":"x"}`, `{"Message":"STRING_VALUE cannot be converted to Integer","__type":"com.amazon.coral.service#SerializationException"}`},
		{"DynamoDB_20120810.GetItem", `{"TableName":"app","Key":{"pk":{"S":5}}}`, `{"Message":"NUMBER_VALUE cannot be converted to String","__type":"com.amazon.coral.service#SerializationException"}`},
		{"DynamoDB_20120810.GetItem", `{"TableName":"app","Key":{"pk":{}}}`, `{"__type":"com.amazon.coral.validate#ValidationException",` +
			`"message":"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"}`},
		{"DynamoDB_20120810.GetItem", `{}`, `{"__type":"com.amazon.coral.validate#ValidationException","message":"2 validation errors detected: ` +
			`Value null at 'tableName' failed to satisfy constraint: Member must not be null; ` +
			`Value null at 'key' failed to satisfy constraint: Member must not be null"}`},
		{"DynamoDB_20120810.DescribeTable", `{"TableName":"app"}`, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",` +
			`"message":"Requested resource not found: Table: app not found"}`},
	} {
		w := post(db, test.target, test.body)
		if w.Code != http.StatusBadRequest || w.Body.String() != test.want {
			t.Errorf("%s %s\n got: %d %s\nwant: 400 %s", test.target, test.body, w.Code, w.Body, test.want)
		}
	}
	get := httptest.NewRecorder()
	db.ServeHTTP(get, httptest.NewRequest(http.MethodGet, "/", nil))
	if get.Code != http.StatusBadRequest {
		t.Errorf("GET is answered with %d", get.Code)
	}
}

func TestRequestOverSixteenMegabytesIsRefused(t *testing.T) {
	db := New(Options{})
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(zeros{}, maxBody+1))
	r.Header.Set("X-Amz-Target", targetPrefix+"ListTables")
	w := httptest.NewRecorder()
	db.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Fatalf("answered with %d", w.Code)
	}
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// FuzzRequests sends anything to every operation, on tables that exist, and demands a well-formed answer.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"TableName":"app","Key":{"pk":{"S":"a"}}}`,
		`{"TableName":"app","Item":{"pk":{"S":"a"},"owner":{"S":"o"},"l":{"L":[{"N":"1"}]}},"ReturnValues":"ALL_OLD","ConditionExpression":"attribute_not_exists(pk)"}`,
		`{"TableName":"app","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET #n = if_not_exists(#n, :v) + :v","ExpressionAttributeNames":{"#n":"n"},` +
			`"ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"UPDATED_NEW","ReturnConsumedCapacity":"INDEXES"}`,
		`{"TableName":"app","Limit":3,"Segment":0,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"a"}},"FilterExpression":"size(pk) > :v",` +
			`"ExpressionAttributeValues":{":v":{"N":"0"}}}`,
		`{"TableName":"app","IndexName":"byOwner","KeyConditionExpression":"#o = :v","ExpressionAttributeNames":{"#o":"owner"},` +
			`"ExpressionAttributeValues":{":v":{"S":"o"}},"ScanIndexForward":false,"Select":"COUNT"}`,
		`{"RequestItems":{"app":{"Keys":[{"pk":{"S":"a"}}]}}}`,
		`{"RequestItems":{"app":[{"PutRequest":{"Item":{"pk":{"S":"b"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}}`,
		`{"TableName":"new","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],` +
			`"AttributeDefinitions":[{"AttributeName":"k","AttributeType":"N"}]}`,
		`{"TableName":"app","GlobalSecondaryIndexUpdates":[{"Delete":{"IndexName":"byOwner"}}],"DeletionProtectionEnabled":true}`,
		`{"TableName":"app","GlobalSecondaryIndexUpdates":[{"Update":{"IndexName":"byOwner"}}],"BillingMode":"PROVISIONED",` +
			`"ProvisionedThroughput":{"ReadCapacityUnits":1,"WriteCapacityUnits":1}}`,
		`{"TransactItems":[{"Put":{"TableName":"app","Item":{"pk":{"S":"c"}}}},{"ConditionCheck":{"TableName":"app","Key":{"pk":{"S":"a"}},` +
			`"ConditionExpression":"n = :v","ExpressionAttributeValues":{":v":{"N":"2"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}`,
		`{"TransactItems":[{"Get":{"TableName":"app","Key":{"pk":{"S":"a"}},"ProjectionExpression":"m.k[0]"}}]}`,
		`{"Statements":[{"Statement":"UPDATE app SET n = n + ? WHERE pk = 'a' RETURNING ALL NEW *","Parameters":[{"N":"1"}]},` +
			`{"Statement":"UPDATE app REMOVE m WHERE pk = 'b'","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}],"ReturnConsumedCapacity":"INDEXES"}`,
		`{"TableName":null,"Key":null}`, `null`, `[]`, `{`, ``,
	} {
		f.Add(seed)
	}
	for _, seed := range everyMember(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		db := New(Options{AccountID: "1", Region: "r"})
		defer db.Close()
		setUp := func(operation, body string) {
			if w := post(db, targetPrefix+operation, body); w.Code != http.StatusOK {
				t.Fatalf("%s: %s", operation, w.Body)
			}
		}
		setUp("CreateTable", `{"TableName":"app","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],`+
			`"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"owner","AttributeType":"S"}],`+
			`"GlobalSecondaryIndexes":[{"IndexName":"byOwner","KeySchema":[{"AttributeName":"owner","KeyType":"HASH"}],`+
			`"Projection":{"ProjectionType":"ALL"}}]}`)
		setUp("PutItem", `{"TableName":"app","Item":{"pk":{"S":"a"},"owner":{"S":"o"},"n":{"N":"1"},"m":{"M":{"k":{"L":[{"S":"x"}]}}}}}`)
		for _, operation := range sortedKeys(operations) {
			w := post(db, targetPrefix+operation, body)
			if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
				t.Fatalf("%s answers %d: %s", operation, w.Code, w.Body)
			}
			var answer map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
				t.Fatalf("%s answers %q: %v", operation, w.Body, err)
			}
		}
	})
}

// everyMember returns the requests that the SDK's module ships, each with every member that its operation knows, as requests about the
// table and the index of the test.
func everyMember(f *testing.F) (bodies []string) {
	f.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/dynamodb").Output()
	if err != nil {
		f.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "request_snapshot", "*.snap"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no requests: %v", err)
	}
	ours := strings.NewReplacer("__TableName__", "app", "__IndexName__", "byOwner", "key0", "pk", "__AttributeValueMemberS__", "a")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if _, body, ok := strings.Cut(string(text), "\n\n{"); ok {
			bodies = append(bodies, ours.Replace("{"+body))
		}
	}
	return bodies
}
