package bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;

/** Measures this process and those that it has started, from its making to stop. */
final class Meter {
    private final Duration cpu = cpu();
    private final long began = System.nanoTime();

    String stop(int records, int size) throws IOException {
        double spent = cpu().minus(cpu).toNanos() / 1e9;
        double wall = (System.nanoTime() - began) / 1e9;
        return String.format("{\"Records\":%d,\"Bytes\":%d,\"CPUSeconds\":%.6f,\"WallSeconds\":%.6f,\"PeakBytes\":%d,\"Allocations\":-1}",
                records, (long) records * size, spent, wall, peak());
    }

    private static Stream<ProcessHandle> processes() {
        return Stream.concat(Stream.of(ProcessHandle.current()), ProcessHandle.current().descendants());
    }

    private static Duration cpu() {
        return processes().map(p -> p.info().totalCpuDuration().orElse(Duration.ZERO)).reduce(Duration.ZERO, Duration::plus);
    }

    /** The most resident memory that each of the processes had, together. */
    private static long peak() throws IOException {
        long total = 0;
        for (ProcessHandle p : processes().toList()) {
            for (String line : Files.readAllLines(Path.of("/proc", Long.toString(p.pid()), "status"))) {
                if (line.startsWith("VmHWM:")) {
                    total += Long.parseLong(line.replaceAll("\\D", "")) << 10;
                }
            }
        }
        return total;
    }
}
