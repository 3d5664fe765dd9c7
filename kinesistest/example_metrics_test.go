package kinesistest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/penstock-go/penstock/kinesistest"
)

// What a program puts to CloudWatch, its test reads.
func ExampleServer_Metrics() {
	srv := kinesistest.New()
	defer srv.Close()
	_, err := srv.CloudWatch().PutMetricData(context.Background(), &cloudwatch.PutMetricDataInput{
		Namespace: aws.String("orders"),
		MetricData: []types.MetricDatum{{
			MetricName: aws.String("Latency"), Values: []float64{3, 5}, Counts: []float64{2, 1}, Unit: types.StandardUnitMilliseconds,
			Dimensions: []types.Dimension{{Name: aws.String("Shard"), Value: aws.String("shardId-000000000000")}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range srv.Metrics() {
		fmt.Println(m.Namespace, m.Name, m.Dimensions["Shard"], m.SampleCount, m.Sum, m.Unit)
	}
	// Output: orders Latency shardId-000000000000 3 11 Milliseconds
}
