package integration

import (
	"os"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"

	"github.com/penstock-go/penstock/integration/internal/servers"
	"github.com/penstock-go/penstock/kinesistest"
)

func TestAProgramInPythonWorksWithTheEmulator(t *testing.T) {
	python := servers.Python(t)
	srv := kinesistest.New()
	defer srv.Close()
	if _, err := srv.Kinesis().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("orders"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	url, err := srv.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/client.py")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+url, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// What the program put is seen from here.
	if got := srv.Metrics(); len(got) != 1 || got[0].Name != "Lag" || got[0].Sum != 3.5 || got[0].Unit != "Seconds" {
		t.Errorf("metrics %+v", got)
	}
}
