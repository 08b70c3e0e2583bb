#!/usr/bin/env python3
"""A complete till over the line dialect: python3 line_till.py ID AMOUNT CURRENCY [TICKET].

It shows what a till needs that has a socket and little else: write a line, read a line. The socket is
$CPMD_LINE; it exits with 0 paid, 1 not paid, 2 not known. As in the other tills, ID is the till's own, is
written down before it is used, and the same again never charges twice."""
import json, os, socket, sys, time

SOCKET = os.environ.get("CPMD_LINE", "/run/cpmd/line.sock")
NOT_OPENED = ("invalid_request", "unknown_lane", "lane_busy", "code_used")  # refused: nothing was charged


class Line:
    """One connection. It has one call under way at a time, so answers need not be told apart by their ids."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(40)  # longer than the longest wait below
        self.sock.connect(SOCKET)
        self.file = self.sock.makefile("rw", encoding="utf-8", newline="\n")

    def call(self, method, params):
        self.file.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
        self.file.flush()
        line = self.file.readline()
        if not line.endswith("\n"):
            raise OSError("connection closed")
        return json.loads(line)


def collect(sale_id, amount, currency, ticket):
    """Returns "paid", "not_paid" or "unknown"."""
    line, sale, give_up = None, None, time.monotonic() + 180
    while time.monotonic() < give_up:
        try:
            line = line or Line()
            if sale is None:  # the same again, as often as it takes: it never opens a second sale
                answer = line.call("sale.put", {"id": sale_id, "amount": amount, "currency": currency, "ticket": ticket})
            else:
                answer = line.call("sale.get", {"id": sale_id, "wait": "25s", "after": sale["seq"]})
        except (OSError, ValueError):
            line, answer = None, {"error": {"message": "No answer.", "data": {"status": 503, "code": ""}}}
        if "error" not in answer:
            give_up = time.monotonic() + 180
            if sale is None or answer["result"]["seq"] > sale["seq"]:
                print(answer["result"]["message"])
            sale = answer["result"]
            if sale["final"]:
                return sale["state"]
            if sale["state"] == "unresolved":
                return "unknown"
            continue
        problem = answer["error"]["data"]
        if problem["status"] >= 500:
            print(answer["error"]["message"], "Asking again.")
            time.sleep(1)
        else:
            print(answer["error"]["message"])
            never = sale is None and problem["code"] in NOT_OPENED
            return "not_paid" if never else "unknown"
    return "unknown"


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    outcome = collect(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "")
    print({"paid": "PAID", "not_paid": "NOT PAID", "unknown": "NOT KNOWN: do not charge again, ask later"}[outcome])
    sys.exit({"paid": 0, "not_paid": 1, "unknown": 2}[outcome])
