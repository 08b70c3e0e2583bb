import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A complete till in Java 11 and later, without libraries: java Till.java ID AMOUNT CURRENCY [TICKET], such as
 * T1-000123 12850 HKD 88211.
 *
 * It speaks HTTP with the token over $CPMD_URL and exits with 0 paid, 1 not paid, 2 not known. ID is the till's
 * own. Write it down, on disk, before you ask: it is how you learn what came of a sale after a crash. Start this
 * program again with the same arguments and it tells, without charging again.
 */
public class Till {
    static final String URL = System.getenv().getOrDefault("CPMD_URL", "http://127.0.0.1:8460");
    static final String TOKEN_FILE = System.getenv().getOrDefault("CPMD_TOKEN_FILE", "/run/cpmd/token");
    /** Refused: nothing was charged. */
    static final Set<String> NOT_OPENED = Set.of("invalid_request", "unknown_lane", "lane_busy", "code_used");
    static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    static HttpResponse<String> ask(String method, String path, String body) throws IOException, InterruptedException {
        String token = Files.readString(Path.of(TOKEN_FILE)).trim();
        return HTTP.send(HttpRequest.newBuilder(URI.create(URL + path))
                .header("Authorization", "Bearer " + token)
                .header("Content-Type", "application/json")
                .timeout(Duration.ofSeconds(40)) // longer than the longest wait below
                .method(method, HttpRequest.BodyPublishers.ofString(body)).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    /** The first such member of a JSON text. Use a JSON library where you have one. */
    static String get(String json, String name) {
        Matcher m = Pattern.compile('"' + name + "\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^,}]*))").matcher(json);
        return !m.find() ? "" : m.group(1) != null ? m.group(1) : m.group(2);
    }

    /** Returns "paid", "not_paid" or "unknown". */
    static String collect(String id, long amount, String currency, String ticket) throws InterruptedException {
        long seq = -1, giveUp = System.nanoTime() + Duration.ofMinutes(3).toNanos();
        while (System.nanoTime() < giveUp) {
            int status = 503;
            String answer = "{\"detail\":\"No answer.\"}";
            try {
                HttpResponse<String> r = seq < 0
                        // The same again, as often as it takes: it never opens a second sale.
                        ? ask("PUT", "/v1/sales/" + id, String.format(
                                "{\"amount\":%d,\"currency\":\"%s\",\"ticket\":\"%s\"}", amount, currency, ticket))
                        : ask("GET", "/v1/sales/" + id + "?wait=25s&after=" + seq, "");
                status = r.statusCode();
                answer = r.body();
            } catch (IOException e) {
                // Not answered is not refused: ask again.
            }
            if (status >= 500) {
                System.out.println(get(answer, "detail") + " Asking again.");
                Thread.sleep(1000);
                continue;
            }
            if (status >= 400) {
                System.out.println(get(answer, "detail"));
                return seq < 0 && NOT_OPENED.contains(get(answer, "code")) ? "not_paid" : "unknown";
            }
            giveUp = System.nanoTime() + Duration.ofMinutes(3).toNanos();
            long now = Long.parseLong(get(answer, "seq"));
            if (now > seq) {
                System.out.println(get(answer, "message"));
            }
            seq = now;
            String state = get(answer, "state");
            if (get(answer, "final").equals("true")) {
                return state;
            }
            if (state.equals("unresolved")) {
                return "unknown";
            }
        }
        return "unknown";
    }

    public static void main(String[] args) throws InterruptedException {
        switch (collect(args[0], Long.parseLong(args[1]), args[2], args.length > 3 ? args[3] : "")) {
            case "paid":
                System.out.println("PAID");
                System.exit(0);
            case "not_paid":
                System.out.println("NOT PAID");
                System.exit(1);
            default:
                System.out.println("NOT KNOWN: do not charge again, ask later");
                System.exit(2);
        }
    }
}
