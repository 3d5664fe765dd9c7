package dynamodb

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func setTimeToLive(t *testing.T, c *sdk.Client, attribute string, enabled bool) error {
	t.Helper()
	_, err := c.UpdateTimeToLive(t.Context(), &sdk.UpdateTimeToLiveInput{
		TableName:               aws.String("app"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &attribute, Enabled: &enabled},
	})
	return err
}

func timeToLiveStatus(t *testing.T, c *sdk.Client) types.TimeToLiveStatus {
	t.Helper()
	in := &sdk.DescribeTimeToLiveInput{TableName: aws.String("app")}
	return must[*sdk.DescribeTimeToLiveOutput](t)(c.DescribeTimeToLive(t.Context(), in)).TimeToLiveDescription.TimeToLiveStatus
}

func keyOf(key string) item { return item{"pk": str(key)} }

// expiring returns an item that expires after d.
func expiring(key string, d time.Duration) item {
	return item{"pk": str(key), "ttl": num(fmt.Sprint(time.Now().Add(d).Unix()))}
}

func TestItemsExpireOnTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{Transition: time.Second})
		createTable(t, c, "app")
		time.Sleep(time.Second)
		put(t, c, "app", expiring("before", time.Minute))
		if err := setTimeToLive(t, c, "ttl", true); err != nil {
			t.Fatal(err)
		}
		same(t, timeToLiveStatus(t, c), types.TimeToLiveStatusEnabling)
		time.Sleep(time.Second)
		same(t, timeToLiveStatus(t, c), types.TimeToLiveStatusEnabled)

		put(t, c, "app", expiring("later", time.Hour))
		put(t, c, "app", expiring("postponed", time.Minute))
		put(t, c, "app", expiring("postponed", time.Hour))
		put(t, c, "app", item{"pk": str("never")})
		put(t, c, "app", item{"pk": str("text"), "ttl": str("1")})
		put(t, c, "app", expiring("ancient", -6*365*24*time.Hour))
		time.Sleep(2 * time.Minute)
		same(t, get(t, c, "app", keyOf("before")), item(nil))
		out := must[*sdk.ScanOutput](t)(c.Scan(t.Context(), &sdk.ScanInput{TableName: aws.String("app")}))
		same(t, out.Count, int32(5))
		time.Sleep(time.Hour)
		same(t, *describe(t, c, "app").ItemCount, int64(3))

		if err := setTimeToLive(t, c, "ttl", false); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		same(t, timeToLiveStatus(t, c), types.TimeToLiveStatusDisabled)
		put(t, c, "app", expiring("kept", time.Second))
		time.Sleep(time.Hour)
		same(t, len(get(t, c, "app", keyOf("kept"))), 2)
	})
}

func TestExpiredItemsMayLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{ExpiryDelay: 48 * time.Hour})
		createTable(t, c, "app")
		if err := setTimeToLive(t, c, "ttl", true); err != nil {
			t.Fatal(err)
		}
		put(t, c, "app", expiring("x", 0))
		time.Sleep(47 * time.Hour)
		same(t, len(get(t, c, "app", keyOf("x"))), 2)
		time.Sleep(2 * time.Hour)
		same(t, len(get(t, c, "app", keyOf("x"))), 0)
	})
}

func TestTimeToLiveIsNotChangedToWhatItIsNorTooSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, Options{})
		createTable(t, c, "app")
		same(t, timeToLiveStatus(t, c), types.TimeToLiveStatusDisabled)
		refused(t, setTimeToLive(t, c, "ttl", false), "ValidationException", "TimeToLive is already disabled")
		if err := setTimeToLive(t, c, "ttl", true); err != nil {
			t.Fatal(err)
		}
		refused(t, setTimeToLive(t, c, "ttl", true), "ValidationException", "TimeToLive is already enabled")
		refused(t, setTimeToLive(t, c, "other", false), "ValidationException",
			"TimeToLive is active on a different AttributeName: current AttributeName is ttl")
		refused(t, setTimeToLive(t, c, "ttl", false), "ValidationException",
			"Time to live has been modified multiple times within a fixed interval")
		time.Sleep(timeToLiveInterval)
		if err := setTimeToLive(t, c, "ttl", false); err != nil {
			t.Fatal(err)
		}
	})
}
