package bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.leases.LeaseManagementConfig;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.KinesisClientRecord;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * A worker of the KCL that tells what it handles. Its arguments are the server's URL, the stream, the application, the worker's id and the
 * failover time in milliseconds.
 *
 * For every batch it prints a line for each record (shard, sequence number, sub-sequence number, data), then an empty one, and waits for a
 * line on its input before it goes on: what it checkpoints has been noted. A TERM signal stops it as the KCL stops gracefully.
 */
public final class Worker {
    /** Every so many batches of a shard there is a checkpoint, in the middle of the batch. */
    private static final int CHECKPOINT_EVERY = 3;

    private final BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));

    private Worker() {}

    public static void main(String[] args) {
        new Worker().run(URI.create(args[0]), args[1], args[2], args[3], Long.parseLong(args[4]));
    }

    private void run(URI url, String stream, String application, String id, long failover) {
        Clients clients = Clients.of(url);
        ConfigsBuilder configs = new ConfigsBuilder(
                new SingleStreamTracker(stream, InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON)),
                application, clients.kinesis(), clients.dynamo(), clients.cloudWatch(), id, Processor::new);
        PollingConfig polling = new PollingConfig(stream, clients.kinesis()).maxRecords(2).idleTimeBetweenReadsInMillis(200); // slow, to be stopped midway
        Scheduler scheduler = new Scheduler(configs.checkpointConfig(),
                configs.coordinatorConfig().shardConsumerDispatchPollIntervalMillis(200).parentShardPollIntervalMillis(500),
                hasten(configs, failover), configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()), configs.processorConfig(),
                configs.retrievalConfig().retrievalSpecificConfig(polling));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(scheduler)));
        scheduler.run();
    }

    /** Has the library look around as often as it can: by its defaults a test would take minutes. */
    private static LeaseManagementConfig hasten(ConfigsBuilder configs, long failover) {
        LeaseManagementConfig leases = configs.leaseManagementConfig().failoverTimeMillis(failover).leaseAssignmentIntervalMillis(1_000L)
                .shardSyncIntervalMillis(1_000).dynamoDbLockBasedLeaderLeaseDurationInMillis(failover).dynamoDbLockBasedLeaderHeartbeatPeriodInMillis(failover / 5);
        leases.workerUtilizationAwareAssignmentConfig().workerMetricsReporterFreqInMillis(failover).varianceBalancingFrequency(1);
        return leases;
    }

    private static void stop(Scheduler scheduler) {
        try {
            scheduler.startGracefulShutdown().get(1, TimeUnit.MINUTES);
        } catch (Exception e) {
            e.printStackTrace();
        }
    }

    /** Prints what was handled, and returns when that has been noted. */
    private synchronized void tell(String shard, List<KinesisClientRecord> records) {
        StringBuilder lines = new StringBuilder();
        for (KinesisClientRecord r : records) {
            lines.append(shard).append(' ').append(r.sequenceNumber()).append(' ').append(r.subSequenceNumber()).append(' ')
                    .append(StandardCharsets.UTF_8.decode(r.data().duplicate())).append('\n');
        }
        System.out.println(lines);
        System.out.flush();
        try {
            if (in.readLine() == null) {
                throw new IllegalStateException("nobody listens");
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private interface Checkpoint {
        void write() throws Exception;
    }

    private static void write(Checkpoint c) {
        try {
            c.write();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** Handles one shard. */
    private final class Processor implements ShardRecordProcessor {
        private String shard;
        private int batches;

        @Override
        public void initialize(InitializationInput input) {
            shard = input.shardId();
        }

        @Override
        public void processRecords(ProcessRecordsInput input) {
            List<KinesisClientRecord> records = input.records();
            tell(shard, records);
            if (++batches % CHECKPOINT_EVERY == 0) {
                KinesisClientRecord middle = records.get(records.size() / 2);
                write(() -> input.checkpointer().checkpoint(middle.sequenceNumber(), middle.subSequenceNumber()));
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            write(input.checkpointer()::checkpoint);
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {
            write(input.checkpointer()::checkpoint);
        }
    }
}
