// The day's sums, by currency and wallet.
import { h } from "/page/element.js";
import { decimal, span, wallet } from "/page/money.js";

const median = (list) => {
  if (!list.length) return "";
  const sorted = [...list].sort((a, b) => a - b);
  return span(sorted[Math.floor((sorted.length - 1) / 2)]);
};

export function totals(t, day) {
  if (!t.rows.length) return h("p", { class: "free" }, "Nothing has ended on this day" + (t.unfinished ? "; " + t.unfinished + " not finished" : "") + ".");
  const sums = new Map();
  for (const r of t.rows) {
    const sum = sums.get(r.currency) || { sales: 0, amount: 0, refunds: 0, refunded_total: 0, not_paid: 0 };
    for (const k of Object.keys(sum)) sum[k] += r[k];
    sums.set(r.currency, sum);
  }
  const times = (currency, w, what) => median(day.sales.filter((v) => v.currency === currency && (w === null || v.wallet === w) && v[what] !== undefined).map((v) => v[what]));
  const row = (name, currency, w, r, head) => h("tr", { class: head ? "sum" : "" }, h("th", { scope: "row" }, name),
    h("td", {}, r.sales), h("td", {}, decimal(r.amount, currency)), h("td", {}, r.refunds ? decimal(r.refunded_total, currency) : "–"), h("td", {}, r.not_paid || "–"),
    h("td", {}, times(currency, w, "answered_ms") || "–"), h("td", {}, times(currency, w, "paid_ms") || "–"));
  const heads = ["", "Paid", "Amount", "Given back", "Not paid", "To answer", "To paid"];
  return [...[...sums].map(([currency, sum]) => [
    h("p", { class: "big" }, h("span", { class: "currency" }, currency), decimal(sum.amount - sum.refunded_total, currency)),
    h("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": "Totals in " + currency }, h("table", {},
      h("thead", {}, h("tr", {}, heads.map((x) => x ? h("th", { scope: "col" }, x) : h("td", {})))),
      h("tbody", {}, t.rows.filter((r) => r.currency === currency).map((r) => row(wallet(r.wallet), currency, r.wallet, r)),
        row("All", currency, null, sum, true)))),
  ]).flat(), h("p", { class: "soft" }, "Times are medians, from sending the code to QFPay." + (t.unfinished ? " Not finished: " + t.unfinished + "." : ""))];
}
