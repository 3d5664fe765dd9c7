package bench;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a row is asked to do. */
record Task(String kind, int records, int size, boolean aggregated, URI url, String stream) {
    static Task parse(String json) {
        return new Task(text(json, "Kind"), Integer.parseInt(text(json, "Records")), Integer.parseInt(text(json, "Size")),
                Boolean.parseBoolean(text(json, "Aggregated")), URI.create(text(json, "URL")), text(json, "Stream"));
    }

    /** The value of a member; none of those that are asked for has an escape in it. */
    private static String text(String json, String name) {
        Matcher m = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(json);
        if (!m.find()) {
            throw new IllegalArgumentException("no " + name + " in the task");
        }
        return m.group(1);
    }

    /** The partition key of a record: one of a thousand. */
    static String keyOf(int i) {
        return String.format("customer-%03d", i % 1000);
    }

    byte[] filler() {
        byte[] b = new byte[size];
        int x = (int) 2463534242L;
        for (int i = 0; i < b.length; i++) {
            x ^= x << 13;
            x ^= x >>> 17;
            x ^= x << 5;
            b[i] = (byte) x;
        }
        return b;
    }
}
