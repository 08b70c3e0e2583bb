#!/usr/bin/env python3
"""A complete till in Python: python3 till.py ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211.

It speaks HTTP over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid, 2 not known.
ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
after a crash. Start this program again with the same arguments and it tells, without charging again."""
import http.client, json, os, socket, sys, time

SOCKET = os.environ.get("CPMD_SOCKET", "/run/cpmd/till.sock")
NOT_OPENED = ("invalid_request", "unknown_lane", "lane_busy", "code_used")  # refused: nothing was charged


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(40)  # longer than the longest wait below
        self.sock.connect(SOCKET)


def ask(method, path, body=None):
    c = Unix("localhost")
    try:
        c.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        r = c.getresponse()
        return r.status, json.loads(r.read())
    finally:
        c.close()


def collect(sale_id, amount, currency, ticket):
    """Returns "paid", "not_paid" or "unknown"."""
    sale, give_up = None, time.monotonic() + 180
    while time.monotonic() < give_up:
        try:
            if sale is None:  # the same again, as often as it takes: it never opens a second sale
                status, answer = ask("PUT", "/v1/sales/" + sale_id,
                                     {"amount": amount, "currency": currency, "ticket": ticket})
            else:
                status, answer = ask("GET", "/v1/sales/%s?wait=25s&after=%d" % (sale_id, sale["seq"]))
        except (OSError, http.client.HTTPException, ValueError):
            status, answer = 503, {"detail": "No answer."}
        if status >= 500:
            print(answer["detail"], "Asking again.")
            time.sleep(1)
        elif status >= 400:
            print(answer["detail"])
            never = sale is None and answer["code"] in NOT_OPENED
            return "not_paid" if never else "unknown"
        else:
            give_up = time.monotonic() + 180
            if sale is None or answer["seq"] > sale["seq"]:
                print(answer["message"])
            sale = answer
            if sale["final"]:
                return sale["state"]
            if sale["state"] == "unresolved":
                return "unknown"
    return "unknown"


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    outcome = collect(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "")
    print({"paid": "PAID", "not_paid": "NOT PAID", "unknown": "NOT KNOWN: do not charge again, ask later"}[outcome])
    sys.exit({"paid": 0, "not_paid": 1, "unknown": 2}[outcome])
