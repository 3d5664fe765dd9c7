package bench;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.MoreExecutors;
import java.nio.ByteBuffer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** Puts the task's records with the KPL, from one thread, and waits for their results. */
final class Kpl {
    /** How many records may wait in the library: its documentation leaves the bound to its user. */
    private static final int MOST = 50_000;

    private final Task task;
    private final AtomicInteger failed = new AtomicInteger();

    Kpl(Task task) {
        this.task = task;
    }

    String run() throws Exception {
        KinesisProducer producer = new KinesisProducer(new KinesisProducerConfiguration()
                .setRegion("us-east-1").setKinesisEndpoint(task.url().getHost()).setKinesisPort(task.url().getPort()).setVerifyCertificate(false)
                .setCredentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create("id", "secret")))
                .setMetricsLevel("none").setAggregationEnabled(task.aggregated())
                .setRateLimit(1_000_000).setRecordTtl(TimeUnit.MINUTES.toMillis(5))); // the server has no limits
        byte[] data = task.filler();
        producer.addUserRecord(task.stream(), Task.keyOf(0), ByteBuffer.wrap(data)).get(); // connects, and lists the shards
        Meter meter = new Meter();
        CountDownLatch done = new CountDownLatch(task.records());
        for (int i = 0; i < task.records(); i++) {
            while (producer.getOutstandingRecordsCount() > MOST) {
                Thread.sleep(1);
            }
            Futures.addCallback(producer.addUserRecord(task.stream(), Task.keyOf(i), ByteBuffer.wrap(data)), count(done), MoreExecutors.directExecutor());
        }
        producer.flush();
        done.await();
        String result = meter.stop(task.records(), task.size());
        producer.destroy();
        if (failed.get() > 0) {
            throw new IllegalStateException(failed.get() + " records failed");
        }
        return result;
    }

    private FutureCallback<UserRecordResult> count(CountDownLatch done) {
        return new FutureCallback<>() {
            @Override
            public void onSuccess(UserRecordResult result) {
                done.countDown();
            }

            @Override
            public void onFailure(Throwable cause) {
                failed.incrementAndGet();
                done.countDown();
            }
        };
    }
}
