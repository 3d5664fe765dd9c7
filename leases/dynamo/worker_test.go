package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-go/penstock/leases"
)

func list(numbers ...string) types.AttributeValue {
	l := &types.AttributeValueMemberL{}
	for _, n := range numbers {
		l.Value = append(l.Value, number(n))
	}
	return l
}

func mapOf(m map[string]types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: m}
}

// As for leases, the names and types of the Java library 3.5 are spelled out once more.
func TestAWorkersRowIsWrittenInTheLayoutOfTheKCL(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	w := leases.Worker{
		ID: "w-1", Updated: time.Unix(1_700_000_000, 999), Every: 5 * time.Second,
		Used: map[string][]float64{"C": {12.5, -1}}, Limits: map[string][]float64{"C": {100}},
	}
	if err := store.Beat(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	want := map[string]types.AttributeValue{
		"leaseKey": text("w-1"), "entityType": text("WORKER_METRIC_STATS"), "lut": number("1700000000"), "slu": number("1700000000"), "sup": number("1"),
		"sts": mapOf(map[string]types.AttributeValue{"C": list("12.5", "-1")}), "opr": mapOf(map[string]types.AttributeValue{"C": list("100")}),
		"properties": mapOf(map[string]types.AttributeValue{"beatMillis": text("5000")}),
	}
	expectRow(t, get(t, api, "w-1"), want)

	// A worker that measures nothing has empty maps: a Java leader then goes by the leases it has.
	if err := store.Beat(t.Context(), leases.Worker{ID: "w-1", Updated: time.Unix(1_700_000_005, 0), Every: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	want["lut"], want["slu"] = number("1700000005"), number("1700000005")
	want["sts"], want["opr"] = mapOf(nil), mapOf(nil)
	expectRow(t, get(t, api, "w-1"), want)
}

func TestTheRowOfAJavaWorkerIsRead(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	put(t, api, map[string]types.AttributeValue{
		"leaseKey": text("java-1"), "entityType": text("WORKER_METRIC_STATS"), "lut": number("1700000000"), "sup": number("1"), "slu": number("1700000000"),
		"sts": mapOf(map[string]types.AttributeValue{"C": list("40", "50.25"), "M": text("damaged")}), "opr": mapOf(map[string]types.AttributeValue{"C": list("80")}),
	})
	w, err := store.Worker(t.Context(), "java-1")
	if err != nil {
		t.Fatal(err)
	}
	if w.Updated.Unix() != 1_700_000_000 || w.Every != 0 || len(w.Used) != 1 || w.Used["C"][1] != 50.25 || w.Limits["C"][0] != 80 || w.Failing() {
		t.Errorf("worker: %+v", w)
	}
}

func TestAWorkersBeatNeverTouchesAnotherKindOfRow(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	if _, err := store.Create(t.Context(), leases.Lease{Key: "shardId-1"}); err != nil {
		t.Fatal(err)
	}
	before := get(t, api, "shardId-1")
	if err := store.Beat(t.Context(), leases.Worker{ID: "shardId-1", Updated: time.Unix(1, 0)}); err == nil {
		t.Error("a worker of a lease's name wrote its row")
	}
	if err := store.Retire(t.Context(), "shardId-1", time.Time{}); err != nil {
		t.Errorf("Retire: %v", err)
	}
	expectRow(t, get(t, api, "shardId-1"), before)
}

func leaderRow(version string, extra ...string) map[string]types.AttributeValue {
	row := map[string]types.AttributeValue{
		"leaseKey": text("Leader"), "entityType": text("LEADER"), "ownerName": text("java-1"), "leaseDuration": text("45000"), "recordVersionNumber": text(version),
	}
	for i := 0; i < len(extra); i += 2 {
		row[extra[i]] = text(extra[i+1])
	}
	return row
}

func TestTheLockOfAJavaLeaderIsReadAndDeletedUnderItsVersion(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	put(t, api, leaderRow("v1"))
	leader, err := store.Leader(t.Context())
	if err != nil || leader != (leases.Leader{Worker: "java-1", Version: "v1", Lasts: 45 * time.Second}) {
		t.Errorf("Leader = %+v, %v", leader, err)
	}
	put(t, api, leaderRow("v2"))
	if err := store.Depose(t.Context(), leader); err != nil {
		t.Errorf("Depose of an earlier version: %v", err)
	}
	if leader, err = store.Leader(t.Context()); err != nil || leader.Version != "v2" {
		t.Errorf("after a vain Depose: %+v, %v", leader, err)
	}
	if err := store.Depose(t.Context(), leader); err != nil {
		t.Errorf("Depose: %v", err)
	}
	if _, err := store.Leader(t.Context()); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("after Depose: %v", err)
	}
	put(t, api, leaderRow("v3", "isReleased", "1"))
	if _, err := store.Leader(t.Context()); !errors.Is(err, leases.ErrNotFound) {
		t.Errorf("a lock that was released: %v", err)
	}
	row := leaderRow("v4")
	delete(row, "leaseDuration")
	put(t, api, row)
	if leader, err := store.Leader(t.Context()); err != nil || leader.Lasts != 2*time.Minute {
		t.Errorf("a lock that does not say how long it lasts: %+v, %v", leader, err)
	}
}

func TestCoordinationRowsOfAnOlderLayoutAreNoLeases(t *testing.T) {
	api := server(t)
	store := prepared(t, api)
	for _, key := range []string{"Leader", "TableMigration3.5"} {
		put(t, api, map[string]types.AttributeValue{"leaseKey": text(key)})
	}
	put(t, api, map[string]types.AttributeValue{"leaseKey": text("novelty"), "entityType": text("NOVELTY")})
	s, err := store.Scan(t.Context())
	if err != nil || len(s.Leases)+len(s.Damaged)+len(s.Workers) != 0 || s.Foreign != 4 {
		t.Errorf("Scan = %+v, %v", s, err)
	}
}
