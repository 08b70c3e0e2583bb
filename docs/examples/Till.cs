// A complete till in C# for .NET 6 and later: till ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211.
//
// It speaks HTTP over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid, 2 not known. Without a
// Unix socket leave the handler out, ask http://127.0.0.1:8460 and send the token as Authorization: Bearer.
// ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
// after a crash. Start this program again with the same arguments and it tells, without charging again.
using System;
using System.Diagnostics;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;

static class Till
{
    static readonly string SocketPath = Environment.GetEnvironmentVariable("CPMD_SOCKET") ?? "/run/cpmd/till.sock";

    static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancel) =>
        {
            var s = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await s.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancel);
            return new NetworkStream(s, ownsSocket: true);
        }
    })
    { BaseAddress = new Uri("http://localhost"), Timeout = TimeSpan.FromSeconds(40) }; // longer than the longest wait

    static async Task<(int Status, JsonElement Answer)> Ask(HttpMethod method, string path, object? body = null)
    {
        var req = new HttpRequestMessage(method, path);
        if (body != null)
            req.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        using var resp = await Http.SendAsync(req);
        var text = await resp.Content.ReadAsStringAsync();
        return ((int)resp.StatusCode, JsonDocument.Parse(text).RootElement);
    }

    /// <summary>Returns "paid", "not_paid" or "unknown".</summary>
    static async Task<string> Collect(string id, long amount, string currency, string ticket)
    {
        long seq = -1;
        for (var silent = Stopwatch.StartNew(); silent.Elapsed < TimeSpan.FromMinutes(3);)
        {
            int status;
            JsonElement answer;
            try
            {
                (status, answer) = seq < 0
                    // The same again, as often as it takes: it never opens a second sale.
                    ? await Ask(HttpMethod.Put, "/v1/sales/" + id, new { amount, currency, ticket })
                    : await Ask(HttpMethod.Get, $"/v1/sales/{id}?wait=25s&after={seq}");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or IOException or JsonException)
            {
                (status, answer) = (503, JsonDocument.Parse("{\"detail\":\"No answer.\"}").RootElement);
            }
            if (status >= 500)
            {
                Console.WriteLine(answer.GetProperty("detail").GetString() + " Asking again.");
                await Task.Delay(1000);
                continue;
            }
            if (status >= 400)
            {
                Console.WriteLine(answer.GetProperty("detail").GetString());
                // Refused with one of these, the sale was never opened and nothing was charged.
                var never = answer.GetProperty("code").GetString() is "invalid_request" or "unknown_lane" or "lane_busy" or "code_used";
                return seq < 0 && never ? "not_paid" : "unknown";
            }
            silent.Restart();
            if (answer.GetProperty("seq").GetInt64() > seq)
                Console.WriteLine(answer.GetProperty("message").GetString());
            seq = answer.GetProperty("seq").GetInt64();
            var state = answer.GetProperty("state").GetString()!;
            if (answer.GetProperty("final").GetBoolean())
                return state;
            if (state == "unresolved")
                return "unknown";
        }
        return "unknown";
    }

    static async Task<int> Main(string[] args)
    {
        var outcome = await Collect(args[0], long.Parse(args[1]), args[2], args.Length > 3 ? args[3] : "");
        Console.WriteLine(outcome switch
        {
            "paid" => "PAID",
            "not_paid" => "NOT PAID",
            _ => "NOT KNOWN: do not charge again, ask later"
        });
        return outcome switch { "paid" => 0, "not_paid" => 1, _ => 2 };
    }
}
