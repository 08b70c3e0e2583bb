// A complete till in C# 5 and later, for .NET Framework 4.5, Mono and .NET: Till ID AMOUNT CURRENCY [TICKET], such as
// T1-000123 12850 HKD 88211. No libraries: csc Till.cs, mcs Till.cs or dotnet build.
//
// It speaks HTTP with the token over $CPMD_URL and exits with 0 paid, 1 not paid, 2 not known. ID is the till's own.
// Write it down, on disk, before you ask: it is how you learn what came of a sale after a crash. Start this program
// again with the same arguments and it tells, without charging again.
using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

static class Till
{
    static readonly string Url = Environment.GetEnvironmentVariable("CPMD_URL") ?? "http://127.0.0.1:8460";
    static readonly string TokenFile = Environment.GetEnvironmentVariable("CPMD_TOKEN_FILE") ?? "/run/cpmd/token";
    // Refused: nothing was charged.
    static readonly string[] NotOpened = { "invalid_request", "unknown_lane", "lane_busy", "code_used" };

    // Returns the status, 0 without an answer.
    static int Ask(string method, string path, string body, out string answer)
    {
        answer = "{\"detail\":\"No answer.\"}";
        try
        {
            var request = (HttpWebRequest)WebRequest.Create(Url + path);
            request.Method = method;
            request.Proxy = null;
            request.KeepAlive = false;
            request.Timeout = request.ReadWriteTimeout = 40000; // longer than the longest wait below
            request.Headers["Authorization"] = "Bearer " + File.ReadAllText(TokenFile).Trim();
            if (body != null)
            {
                var bytes = Encoding.UTF8.GetBytes(body);
                request.ContentType = "application/json";
                request.ContentLength = bytes.Length;
                using (var stream = request.GetRequestStream())
                    stream.Write(bytes, 0, bytes.Length);
            }
            HttpWebResponse response;
            try
            {
                response = (HttpWebResponse)request.GetResponse();
            }
            catch (WebException e) // .NET throws on 4xx and 5xx, which are answers too
            {
                response = e.Response as HttpWebResponse;
                if (response == null)
                    return 0;
            }
            using (response)
            using (var reader = new StreamReader(response.GetResponseStream(), Encoding.UTF8))
            {
                var text = reader.ReadToEnd();
                if (!text.TrimEnd().EndsWith("}")) // cut off in the middle
                    return 0;
                answer = text;
                return (int)response.StatusCode;
            }
        }
        catch (Exception e)
        {
            if (e is WebException || e is IOException)
                return 0; // not answered is not refused: ask again
            throw;
        }
    }

    // The first such member of a JSON text. Use a JSON library where you have one.
    static string Get(string json, string name)
    {
        var m = Regex.Match(json, "\"" + name + "\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^,}]*))");
        return m.Groups[1].Success ? Regex.Unescape(m.Groups[1].Value) : m.Groups[2].Value;
    }

    static string Quote(string s)
    {
        return "\"" + s.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
    }

    // Returns 0 paid, 1 not paid, 2 not known.
    static int Collect(string id, long amount, string currency, string ticket)
    {
        long seq = -1;
        for (var silent = Stopwatch.StartNew(); silent.Elapsed < TimeSpan.FromMinutes(3);)
        {
            string answer;
            var status = seq < 0
                // The same again, as often as it takes: it never opens a second sale.
                ? Ask("PUT", "/v1/sales/" + id, "{\"amount\":" + amount + ",\"currency\":" + Quote(currency) + ",\"ticket\":" + Quote(ticket) + "}", out answer)
                : Ask("GET", "/v1/sales/" + id + "?wait=25s&after=" + seq, null, out answer);
            if (status == 0 || status >= 500)
            {
                Console.WriteLine(Get(answer, "detail") + " Asking again.");
                Thread.Sleep(1000);
                continue;
            }
            if (status >= 400)
            {
                Console.WriteLine(Get(answer, "detail"));
                return seq < 0 && Array.IndexOf(NotOpened, Get(answer, "code")) >= 0 ? 1 : 2;
            }
            silent.Restart();
            var now = long.Parse(Get(answer, "seq"));
            if (now > seq)
                Console.WriteLine(Get(answer, "message"));
            seq = now;
            switch (Get(answer, "state"))
            {
                case "paid": return 0;
                case "not_paid": return 1;
                case "unresolved": return 2;
            }
        }
        return 2;
    }

    static int Main(string[] args)
    {
        var outcome = Collect(args[0], long.Parse(args[1]), args[2], args.Length > 3 ? args[3] : "");
        Console.WriteLine(new[] { "PAID", "NOT PAID", "NOT KNOWN: do not charge again, ask later" }[outcome]);
        return outcome;
    }
}
