// Package producer does what the Amazon Kinesis Producer Library does.
//
// # Coming from the KPL
//
// What each option of the Amazon Kinesis Producer Library is here. "The client" is the *kinesis.Client in Config.Kinesis, which the AWS SDK
// configures; "its HTTP client" is kinesis.Options.HTTPClient.
//
//	AggregationEnabled             Config.DisableAggregation, the other way round
//	AggregationMaxCount            Config.MaxAggregateRecords
//	AggregationMaxSize             Config.MaxAggregateBytes; and Config.AggregateBelow, which the KPL does not have
//	CollectionMaxCount             Config.MaxRequestRecords
//	CollectionMaxSize              Config.MaxRequestBytes
//	RecordMaxBufferedTime          Config.Linger; nothing is added to it, and a record that is sent again does not linger again
//	RecordTtl                      Config.TTL; checked wherever a record waits. Config.MaxAttempts bounds attempts, too
//	RateLimit                      Config.ShardRatePercent; without it the rate adapts to each shard. It holds without aggregation, too
//	FailIfThrottled                Config.FailIfThrottled
//	MaxUserRecordSize              none needed: the stream's own maximum is asked for, and larger records are refused by Put
//	MaxConnections                 Config.MaxInFlight: requests at once
//	MinConnections                 none: the KPL does not use it either
//	ConnectTimeout                 the client's: its HTTP client's dialer
//	RequestTimeout                 Config.RequestTimeout
//	ThreadingModel, ThreadPoolSize none: there is a goroutine for each of Config.MaxInFlight
//	Region                         the client's
//	KinesisEndpoint, KinesisPort   the client's BaseEndpoint, a whole URL; also without TLS, for servers in tests
//	CloudwatchEndpoint, -Port      none: metrics leave through Config.Hooks
//	StsEndpoint, StsPort           the client's credentials
//	VerifyCertificate, CaCertPath, CaCertFile
//	                               its HTTP client's TLS configuration
//	ProxyHost, -Port, -UserName, -Password
//	                               its HTTP client's proxy
//	CredentialsProvider, CredentialsRefreshDelay, MetricsCredentialsProvider
//	                               the client's credentials, which it renews itself
//	MetricsLevel, MetricsGranularity, MetricsNamespace, MetricsUploadDelay, additional dimensions
//	                               Config.Hooks, as below; a hook that is not set costs nothing
//	LogLevel                       Config.Logger's level
//	NativeExecutable, TempDirectory, EnableCoreDumps, EnableDaemonHealthCheck, DaemonHealthCheckTimeoutMs
//	                               none: there is no second process
//	UserRecordTimeoutInMillis      Config.TTL; for a single call the context of PutSync
//	EnableOldestFutureTracker      none
//	ReturnUserRecordOnFailure      none: done is a closure, which knows its record
//	GlueSchemaRegistryConfiguration
//	                               none: encode the payload before Put
//	RecordDistributionStrategyDefault
//	                               none: until it is known how the stream distributes its records, nothing is aggregated
//	setStreamId                    none: reserved by the service
//	a stream's name at each call   Config.Stream: a producer for each stream, over one client; a name or an ARN, also of another account
//	addUserRecord                  Producer.Put, which waits where the KPL grows, or TryPut
//	flush, flushSync               Producer.Flush
//	destroy                        Producer.Close
//	getOutstandingRecordsCount     Stats.PendingRecords
//	getMetrics                     Producer.Stats and Producer.Shards
//
// What each of its metrics is here:
//
//	UserRecordsReceived                  Stats.Received
//	UserRecordsPending                   Stats.PendingRecords
//	UserRecordsPut, UserRecordsDataPut   UserRecordsDone: UserRecords and Bytes, by Err and ShardID
//	UserRecordExpired                    UserRecordsDone where Err is ErrExpired
//	RetriesPerRecord                     UserRecordsDone.Attempts less one
//	KinesisRecordsPut, -DataPut          KinesisRecordDone: one each, and Bytes, by Code and ShardID
//	ErrorsByCode, AllErrors              KinesisRecordDone.Code
//	BufferingTime                        KinesisRecordDone.Buffering
//	UserRecordsPerKinesisRecord          KinesisRecordDone.UserRecords
//	RequestTime                          RequestDone.Duration
//	KinesisRecordsPerPutRecordsRequest   RequestDone.Records
//	UserRecordsPerPutRecordsRequest      RequestDone.UserRecords
//	UnhealthyDaemon                      none
//
// Differences that a program may notice: a permanent failure (missing permission, stream or encryption key) is a result at once and not after
// the TTL; a record on its own is never sent again because of the shard in which it was stored; a result tells the record's place in its aggregate;
// attempts have no messages of the service.
package producer
