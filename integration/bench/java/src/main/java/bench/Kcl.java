package bench;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.NullMetricsFactory;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/** Reads the task's records with the KCL, polling. What is counted begins with its start, for its leases have no other moment. */
final class Kcl {
    private final Task task;
    private final AtomicInteger handled = new AtomicInteger();
    private final CountDownLatch all = new CountDownLatch(1);

    Kcl(Task task) {
        this.task = task;
    }

    String run() throws Exception {
        Clients clients = Clients.of(task.url());
        ConfigsBuilder configs = new ConfigsBuilder(
                new SingleStreamTracker(task.stream(), InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON)),
                "bench-kcl", clients.kinesis(), clients.dynamo(), clients.cloudWatch(), "worker", Processor::new);
        Scheduler scheduler = new Scheduler(configs.checkpointConfig(), configs.coordinatorConfig(), configs.leaseManagementConfig(), configs.lifecycleConfig(),
                configs.metricsConfig().metricsFactory(new NullMetricsFactory()), configs.processorConfig(),
                configs.retrievalConfig().retrievalSpecificConfig(new PollingConfig(task.stream(), clients.kinesis())));
        Meter meter = new Meter();
        Thread worker = new Thread(scheduler);
        worker.setDaemon(true);
        worker.start();
        all.await();
        return meter.stop(task.records(), task.size());
    }

    /** Counts records. */
    private final class Processor implements ShardRecordProcessor {
        @Override
        public void initialize(InitializationInput input) {}

        @Override
        public void processRecords(ProcessRecordsInput input) {
            if (handled.addAndGet(input.records().size()) >= task.records()) {
                all.countDown();
            }
        }

        @Override
        public void leaseLost(LeaseLostInput input) {}

        @Override
        public void shardEnded(ShardEndedInput input) {
            try {
                input.checkpointer().checkpoint();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void shutdownRequested(ShutdownRequestedInput input) {}
    }
}
