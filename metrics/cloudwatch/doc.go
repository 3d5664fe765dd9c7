// Package cloudwatch puts what producers and consumers do to Amazon CloudWatch, under the names that the KPL and the KCL use, so that
// dashboards and alarms made for those go on working.
//
//	m, err := cloudwatch.New(cloudwatch.Config{Client: cloudwatchClient, Namespace: "billing"})
//	p, err := producer.New(producer.Config{..., Hooks: m.Producer("orders")})
//	c, err := consumer.New(consumer.Config{..., Hooks: m.Consumer()})
//	...
//	err = m.Close(ctx) // puts what is left
//
// The KCL's namespace is the application's name, the KPL's default "KinesisProducerLibrary": to keep both, make two of it. To listen to hooks
// besides, join them with producer.Tee and consumer.Tee.
//
// # The path of a value
//
//	hook ─ produce.go, consume.go ─▶ statistics of this interval, by name and dimensions ─ report.go, every Interval ─▶ PutMetricData
//	                                 store.go: at most MaxSeries                            at most 1,000 to a request
//
// The hooks add to a count, a sum, a least and a greatest value by the finest dimensions, under a lock that is held for nothing else. A
// goroutine of its own takes all of them away every [Config].Interval, sums them up by the wider dimensions and puts them. Where that fails they are put back among those of the next interval: nothing is
// lost, nothing grows, and a shard's or a producer's time is not touched; what was put though its reply was lost is put twice. Only
// values are dropped for whose series there is no room, and those that CloudWatch calls invalid; [Metrics.Stats] counts.
//
// # Names
//
//	producer   UserRecordsReceived UserRecordsPut UserRecordsDataPut UserRecordExpired KinesisRecordsPut KinesisRecordsDataPut ErrorsByCode
//	           AllErrors RetriesPerRecord BufferingTime RequestTime UserRecordsPerKinesisRecord KinesisRecordsPerPutRecordsRequest
//	           UserRecordsPerPutRecordsRequest UserRecordsPending
//	consumer   ProcessTask: RecordsProcessed DataBytesProcessed MillisBehindLatest Success Time RecordProcessor.processRecords.Time
//	           KinesisDataFetcher.getRecords.{Success,Time} ExpiredIterator UpdateLease.{Success,Time}
//	           ApplicationTracker: MillisBehindLatest
//	           InitializeTask: RecordProcessor.initialize.Time    ShutdownTask: RecordProcessor.shutdown.Time
//	           RenewAllLeases: LostLeases CurrentLeases           TakeLeases: TakenLeases TotalLeases NumWorkers
//	of ours    ProcessTask: DeadLetteredRecords FailedRecords     ProducerHotShard ProducerWrongShard
//
// Those of them that are DETAILED in the KPL and the KCL are put at [Detailed] alone. A metric of the KPL is put without dimensions, once
// more with StreamName, and with ShardId on request; ErrorsByCode has ErrorCode besides. A metric of the KCL has the dimension Operation, and
// ShardId and WorkerIdentifier on request.
//
// # What it costs
//
// CloudWatch charges for each combination of name and dimensions (0.30 US dollars a month for the first 10,000), and 0.01 for 1,000
// requests. With the defaults an application with a producer and a consumer of one stream has 24 of them, 7.20 US dollars a month,
// whatever the number of its workers. Each shard adds 10 of them at Summary and 18 at Detailed, 3.00 and 5.40 US dollars a month, if shards
// are asked for. docs/capacity.md has the sums. Statistics have no percentiles.
//
// Files: config.go, store.go, produce.go, consume.go, report.go.
package cloudwatch
