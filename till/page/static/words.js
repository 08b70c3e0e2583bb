// What states are called, and how they look.

const states = {
  waiting: ["Waiting for a code", "live"], paying: ["Processing", "live"], confirming: ["Confirming", "live"], reversing: ["Cancelling", "live"],
  unresolved: ["Not known", "warn"], paid: ["Paid", "good"], not_paid: ["Not paid", "flat"], refunding: ["Refunding", "live"],
  refunded: ["Refunded", "good"], not_refunded: ["Not refunded", "bad"],
};
const reasons = {
  declined: "declined", cancelled: "cancelled", no_scan: "no valid code", reversed: "cancelled or given back", misconfigured: "misconfigured", not_sent: "no record at QFPay",
};
const scanners = {
  open: ["Scanner ready", "good"], absent: ["Scanner not plugged in", "bad"], lost: ["Scanner lost", "bad"], denied: ["Scanner not allowed", "bad"],
  busy: ["Scanner in use elsewhere", "bad"],
};

export const stateOf = (v) => {
  const [text, look] = states[v.state] || [v.state, "flat"];
  return [v.reason ? text + ": " + (reasons[v.reason] || v.reason) : text, look];
};
export const scannerOf = (v) => scanners[v.state] || ["Scanner " + v.state, "bad"];
