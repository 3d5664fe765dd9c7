"""What a program in Python does with the emulator: the SDK finds it by AWS_ENDPOINT_URL. Prints what went wrong, or nothing."""
import sys
import uuid

import boto3
from botocore.exceptions import ClientError

kinesis, dynamodb, cloudwatch = (boto3.client(name) for name in ("kinesis", "dynamodb", "cloudwatch"))


def refused(call, code, **kwargs):
    """Calls what must fail, and returns the error."""
    try:
        call(**kwargs)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
        return e
    raise AssertionError(f"{code} expected")


def stream():
    name = "orders"
    assert kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"] == 2
    put = kinesis.put_records(
        StreamName=name, Records=[{"Data": bytes([0, 255, i]), "PartitionKey": f"key-{i}"} for i in range(20)]
    )
    assert put["FailedRecordCount"] == 0
    data = set()
    for shard in kinesis.list_shards(StreamName=name)["Shards"]:
        it = kinesis.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        records = kinesis.get_records(ShardIterator=it["ShardIterator"])["Records"]
        numbers = [int(r["SequenceNumber"]) for r in records]
        assert numbers == sorted(numbers)
        data |= {r["Data"] for r in records}
    assert data == {bytes([0, 255, i]) for i in range(20)}, data
    refused(kinesis.describe_stream_summary, "ResourceNotFoundException", StreamName="none")


def subscription():
    arn = kinesis.describe_stream_summary(StreamName="orders")["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="reader")["Consumer"]
    shard = kinesis.list_shards(StreamName="orders")["Shards"][0]["ShardId"]
    events = kinesis.subscribe_to_shard(
        ConsumerARN=consumer["ConsumerARN"], ShardId=shard, StartingPosition={"Type": "TRIM_HORIZON"}
    )["EventStream"]
    for event in events:
        if event["SubscribeToShardEvent"]["Records"]:
            break
    events.close()


def table():
    name = "leases-" + uuid.uuid4().hex
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "leaseKey", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "leaseKey", "KeyType": "HASH"}],
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name)
    key = {"leaseKey": {"S": "shard-0"}}
    dynamodb.put_item(TableName=name, Item=key | {"leaseCounter": {"N": "1"}})
    update = {
        "TableName": name, "Key": key, "UpdateExpression": "SET leaseCounter = leaseCounter + :one",
        "ConditionExpression": "leaseCounter = :one", "ExpressionAttributeValues": {":one": {"N": "1"}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    dynamodb.update_item(**update)
    error = refused(dynamodb.update_item, "ConditionalCheckFailedException", **update)
    assert error.response["Item"]["leaseCounter"] == {"N": "2"}, error.response
    assert dynamodb.scan(TableName=name, ConsistentRead=True)["Count"] == 1


def metrics():
    cloudwatch.put_metric_data(Namespace="pipe", MetricData=[{"MetricName": "Lag", "Value": 3.5, "Unit": "Seconds"}])
    refused(cloudwatch.put_metric_data, "InvalidParameterValue", Namespace="AWS/Kinesis", MetricData=[{"MetricName": "Lag", "Value": 1}])


for act in (stream, subscription, table, metrics):
    try:
        act()
    except Exception as e:
        print(f"{act.__name__}: {type(e).__name__}: {e}")
        sys.exit(1)
