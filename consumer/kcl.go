// Package consumer does what the Amazon Kinesis Client Library does.
//
// # Coming from the KCL
//
// What the parts of the Amazon Kinesis Client Library for Java are here, and then each of its options. "The client" is the *kinesis.Client in
// Config.Kinesis or the *dynamodb.Client in Config.DynamoDB, which the AWS SDK configures.
//
//	Scheduler, run                    Consumer.Run, which blocks until its context ends; another one may take over the table at any time
//	startGracefulShutdown             the end of Run's context, with Config.ShutdownTimeout
//	shutdown                          a short Config.ShutdownTimeout: then the contexts of the handlers end
//	ShardRecordProcessorFactory       Config.NewHandler; or one Config.Handler for all shards
//	initialize                        Starter
//	processRecords                    Handler. Records are tried again after an error, where the KCL goes on with the next
//	leaseLost                         LeaseLoser; the context of Handle has ended before
//	shardEnded                        Ender; the library writes SHARD_END itself
//	shutdownRequested                 Drainer
//	checkpointer.checkpoint           Batch.Checkpoint, of what Batch.Ack said; or nothing: what Handle returned for is written down by itself
//	checkpointer.prepareCheckpoint    Batch.Hold keeps records from being done when Handle returns
//	KinesisClientRecord               Record; its Data is valid as Record says
//	WorkerStateChangeListener         Config.Hooks
//	FormerStreamsLeasesDeletionStrategy, MultiStreamTracker
//	                                  Consumer.AddStream and RemoveStream
//
// Of the coordinator and of the leases:
//
//	applicationName                   Config.Application
//	tableName                         Config.TableName
//	workerIdentifier                  Config.WorkerID
//	failoverTimeMillis                Config.FailoverTime
//	maxLeasesForWorker                Config.MaxLeases
//	maxLeasesToStealAtOneTime         Config.MaxMoves
//	gracefulLeaseHandoffConfig        Config.HandoffTimeout
//	cleanupLeasesUponShardCompletion  Config.KeepEnded, the other way round
//	initialPositionInStream           Stream.Start, for each stream
//	billingMode, initialLeaseTableReadCapacity, -WriteCapacity, leaseTablePitrEnabled, leaseTableDeletionProtectionEnabled, tags
//	                                  dynamo.Config, for a store in Config.Leases
//	tableCreatorCallback              dynamo.Config.Progress
//	disableWorkerMetrics, workerMetricList
//	                                  Config.CPU
//	dynamoDbRequestTimeout            none: derived from FailoverTime
//	clientVersionConfig               none: that of a 3.x application; an application of 2.x is refused
//	consistentReads                   none: reads are consistent where a decision needs it
//	leaseAssignmentIntervalMillis, leaseAssignmentStrategy, shardSyncIntervalMillis, leasesRecoveryAuditor...,
//	leaseCleanupConfig, parentShardPollIntervalMillis, shardConsumerDispatchPollIntervalMillis, epsilonMillis
//	                                  none: derived from FailoverTime, or set off by what happens
//	reBalanceThresholdPercentage, dampeningPercentage, allowThroughputOvershoot, maxThroughputPerHostKBps, varianceBalancingFrequency
//	                                  none: package leases says how shards are weighed
//	maxLeaseRenewalThreads, executorService, leaseTableScanTotalSegments, listShards..., schedulerInitializationBackoffTimeMillis,
//	maxInitializationAttempts         none
//	skipShardSyncAtWorkerInitializationIfLeasesExist, ignoreUnexpectedChildShards, shardPrioritization
//	                                  none
//
// Of retrieval:
//
//	FanOutConfig                      Stream.FanOut
//	consumerName, consumerArn         Stream.ConsumerName, Stream.ConsumerARN
//	maxDescribe...Retries, registerStreamConsumerRetries, retryBackoffMillis
//	                                  none: calls are tried again until the context ends, or fail at once if that cannot help
//	PollingConfig                     Stream.FanOut false, the default: in the KCL it is the other way round
//	idleTimeBetweenReadsInMillis      Config.PollInterval, on a shard that has been read to its tip, and Config.MaxPollInterval
//	maxRecords                        none: the service's 10,000; Config.MaxBatchRecords bounds what a handler gets
//	maxPendingProcessRecordsInput, recordsFetcherFactory
//	                                  Config.MaxBufferedBytes, for the whole worker
//	kinesisRequestTimeout             none: 30 seconds
//	glueSchemaRegistryDeserializer    none: decode in the handler
//	orphanedStreamInitialPositionInStream
//	                                  none: leases of streams that a worker is not configured for are left to others
//
// Of lifecycle, processing and metrics:
//
//	taskBackoffTimeMillis             Failure.MinDelay and MaxDelay
//	callProcessRecordsEvenForEmptyRecordList
//	                                  Idler, for handlers that want to know
//	aggregatorUtil                    none: package aggregation
//	logWarningForTaskAfterMillis      Consumer.Health and Consumer.Snapshot tell what is stuck
//	readTimeoutsToIgnoreBeforeWarning none
//	metricsLevel, metricsEnabledDimensions, metricsBackend, metricsBufferTimeMillis, namespace, ...
//	                                  packages metrics/cloudwatch, whose documentation has each of the KCL's metrics, metrics/prometheus and
//	                                  metrics/otel; or Config.Hooks
//
// Java and Go workers of one application share its table; package leases says how.
package consumer
