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
//	hook ─ produce.go, consume.go, lease.go
//	  ─▶ statistics of this interval, by name and dimensions    store.go: at most MaxSeries
//	  ─ report.go, every Interval ─▶ PutMetricData              at most 1,000 to a request
//
// The hooks add to a count, a sum, a least and a greatest value by the finest dimensions, under a lock that is held for nothing else. A
// goroutine of its own takes all of them away every [Config].Interval, sums them up by the wider dimensions and puts them. Where that fails
// they are put back among those of the next interval: nothing is lost, nothing grows, and a shard's or a producer's time is not touched; what was put though its reply was lost is put twice. Only
// values are dropped for whose series there is no room, and those that CloudWatch calls invalid; [Metrics.Stats] counts.
//
// # Names
//
// S are put at [Summary], D at [Detailed] alone: these are the KPL's and the KCL's own levels. The hooks are those of package producer for
// what the KPL has, and of package consumer for the KCL.
//
//	operation                  metric                                             level  hook, or why there is none
//	producer                   UserRecordsPut                                       S  UserRecordsDone
//	producer                   UserRecordExpired                                    S  UserRecordsDone
//	producer                   KinesisRecordsPut                                    S  KinesisRecordDone
//	producer                   ErrorsByCode                                         S  KinesisRecordDone
//	producer                   AllErrors                                            S  KinesisRecordDone
//	producer                   BufferingTime                                        S  KinesisRecordDone
//	producer                   UserRecordsReceived                                  D  UserRecordsDone
//	producer                   UserRecordsDataPut                                   D  UserRecordsDone
//	producer                   RetriesPerRecord                                     D  UserRecordsDone
//	producer                   KinesisRecordsDataPut                                D  KinesisRecordDone
//	producer                   UserRecordsPerKinesisRecord                          D  KinesisRecordDone
//	producer                   RequestTime                                          D  RequestDone
//	producer                   KinesisRecordsPerPutRecordsRequest                   D  RequestDone
//	producer                   UserRecordsPerPutRecordsRequest                      D  RequestDone
//	producer                   UserRecordsPending                                   D  Metrics.Watch
//	producer                   ProducerHotShard                                     S  HotShard; of ours
//	producer                   ProducerWrongShard                                   S  WrongShard; of ours
//	ProcessTask                RecordsProcessed                                     S  Handled
//	ProcessTask                DataBytesProcessed                                   S  Fetched
//	ProcessTask                MillisBehindLatest                                   S  Fetched
//	ProcessTask                {Success,Time}                                       S  Handled
//	ProcessTask                RecordProcessor.processRecords.Time                  S  Handled
//	ProcessTask                KinesisDataFetcher.getRecords.{Success,Time}         D  Fetched, FetchFailed
//	ProcessTask                KinesisDataFetcher.getShardIterator.{Success,Time}   D  Called: GetShardIterator
//	ProcessTask                ExpiredIterator                                      S  FetchFailed; without ShardId
//	ProcessTask                UpdateLease.{Success,Time}                           D  Checkpointed
//	ProcessTask                DeadLetteredRecords                                  S  DeadLettered; of ours
//	ProcessTask                FailedRecords                                        S  Handled; of ours
//	ApplicationTracker         MillisBehindLatest                                   S  Fetched: the worst shard, as it is when it is put
//	InitializeTask             RecordProcessor.initialize.Time                      S  Started
//	ShutdownTask               RecordProcessor.shutdown.Time                        S  Stopped
//	ShutdownTask               CreateLease.{Success,Time}                           D  Leases.Called: Create for a child or a parent
//	ShutdownTask               MissingMergeParentLease                              S  Leases.Called: Create for a parent that had none
//	ShutdownTask               UpdateLease.{Success,Time}                           D  Leases.Called: Write of a shard's end
//	ShutdownTask               CreateLease_*.Success                                -  children begin at TRIM_HORIZON, all of them
//	ShutdownTask               MissingMergeParent                                   -  the service lists both parents, or they are gone
//	ShardSyncTask              {Success,Time}                                       S  Synced
//	ShardSyncTask              SyncShards.Success                                   D  Synced
//	ShardSyncTask              CreateLease.{Success,Time}                           D  Leases.Called: Create for a synchronisation or a repair
//	ShardSyncTask              CreateLease_*.Success                                -  the configuration says where a stream begins
//	PeriodicShardSyncManager   NumStreamsWithPartialLeases                          S  Leases.Audited
//	PeriodicShardSyncManager   NumStreamsToSync                                     S  Leases.Audited: streams that were repaired
//	PeriodicShardSyncManager   {Success,Time}                                       S  Leases.Audited
//	PeriodicShardSyncManager   NumSkippedShardSyncTask                              -  an audit follows the one before, and skips none
//	RenewAllLeases             LostLeases                                           S  Leases.Lost
//	RenewAllLeases             CurrentLeases                                        S  Leases.Acquired, Lost, Released, Ended
//	RenewAllLeases             {Success,Time}                                       S  Leases.Called: each Write that renews; there is no round
//	RenewAllLeases             RenewLease.{Success,Time}                            D  the same
//	TakeLeases                 TakenLeases                                          S  Leases.Called: Write that takes
//	TakeLeases                 UntakenLeases                                        S  the same, where it fails
//	TakeLeases                 ExpiredLeases                                        S  Leases.Scanned: those without an owner too, as in the KCL
//	TakeLeases                 VeryOldLeases                                        S  Leases.Scanned
//	TakeLeases                 NumWorkers                                           S  Leases.Scanned: workers with leases
//	TakeLeases                 TotalLeases                                          D  Leases.Scanned
//	TakeLeases                 LeasesToTake                                         D  Leases.Scanned
//	TakeLeases                 NeededLeases                                         D  Leases.Scanned
//	TakeLeases                 ListLeases.{Success,Time}                            D  Leases.Called: Scan and ScanPart
//	TakeLeases                 {Success,Time}                                       S  the same
//	TakeLeases                 TakeLease.{Success,Time}                             D  Leases.Called: Write that takes
//	TakeLeases                 LeaseSpillover                                       -  no share exceeds MaxLeases; what is left is in ExpiredLeases
//	LeaseDiscovery             NewLeasesDiscovered                                  D  Leases.Called: Write that adopts
//	LeaseDiscovery             ListLeaseKeysForWorker.Time                          D  Leases.Called: KeysOf
//	LeaseDiscovery             {Success,Time}                                       S  the same
//	LeaseDiscovery             GetLease:Error                                       S  Leases.Called: Get, for whatever reason it is read
//	LeaseDiscovery             FetchNewLeases.Time                                  -  leases are read one by one, when they are adopted
//	LeaseDiscovery             OwnerMismatch                                        -  an index that lags is no event
//	LeaseRenewerInitialize     Fault                                                -  there is nothing to load: what names a worker is adopted
//	WorkerMetricStatsReporter  {Success,Time}                                       S  Leases.Called: Beat
//	WorkerMetricStatsReporter  InMemoryMetricStatsReporterFailure                   -  a processor that cannot be measured is left out of the row
//	LeaseAssignmentManager     all                                                  -  nobody assigns for all: each worker has its own part, TakeLeases
//	LeaderDecider              all                                                  -  nobody leads among our workers
//	WorkerMetrics              all                                                  -  there is one version of the protocol to support
//	Migration                  all                                                  -  the table is read as the KCL 3.5 leaves it; nothing is moved
//	TableMigration             all                                                  -  the same, and so for TableMigrationInitialize, -AsyncMove
//	MultiStreamTracker         all                                                  -  the program adds and removes streams itself
//	Scheduler:Initialize       all                                                  -  Run returns the error
//	StreamIdFetch              all                                                  -  a stream's id is known before it is read
//
// A metric of the KPL is put without dimensions, once more with StreamName, and with ShardId on request; ErrorsByCode has ErrorCode besides.
// A metric of the KCL has the dimension Operation. Those of ProcessTask, and ShutdownTask's UpdateLease, are put once more with ShardId on
// request ([Config].Shards); where the consumer reads several streams, with StreamId and ShardId as the KCL does, and with StreamId alone
// ([Config].Streams). A StreamId is "<account>:<stream>:<creation epoch>". RenewAllLeases, TakeLeases, LeaseDiscovery and
// WorkerMetricStatsReporter have WorkerIdentifier if [Config].WorkerID says it.
//
// # What it costs
//
// CloudWatch charges for each combination of name and dimensions (0.30 US dollars a month for the first 10,000), and 0.01 for 1,000
// requests. With the defaults an application with a producer and a consumer of one stream has 40 of them, 12.00 US dollars a month,
// whatever the number of its workers. Each shard adds 10 of them at Summary and 20 at Detailed, 3.00 and 6.00 US dollars a month, if shards
// are asked for; each stream of several adds 6 and 12, if streams are. docs/capacity.md has the sums. Statistics have no percentiles.
//
// Files: config.go, store.go, produce.go, consume.go, lease.go, report.go.
package cloudwatch
