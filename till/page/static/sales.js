// The sales of a day, and those that a search finds on any day.
import { call } from "/page/api.js";
import { h } from "/page/element.js";
import { clock, dayOf, decimal, money, span, wallet } from "/page/money.js";
import { pill } from "/page/lanes.js";
import { stateOf } from "/page/words.js";

const most = 200; // rows

// found are the sales of the day that have the words, and older ones whose id or ticket is exactly that.
export async function found(day, words) {
  const all = [...day.sales].reverse();
  const w = words.trim().toLowerCase();
  if (!w) return all;
  const of = (v) => [v.id, v.ticket, v.wallet, wallet(v.wallet), stateOf(v)[0], "lane " + v.lane, decimal(v.amount, v.currency), v.operator, v.shift,
    ...v.payments.flatMap((p) => [p.out_trade_no, p.syssn, p.chnlsn])];
  const here = all.filter((v) => of(v).some((text) => text && text.toLowerCase().includes(w)));
  const exact = words.trim(), more = [];
  if (exact.length <= 64) more.push(...(await call("/v1/sales?limit=20&find=" + encodeURIComponent(exact))).sales);
  return [...here, ...more.filter((v) => !here.some((o) => o.id === v.id))];
}

export function table(list, today, act) {
  if (!list.length) return h("p", { class: "free" }, "No sale.");
  const heads = ["Time", "Sale", "Lane", "Amount", "State", "Wallet", "To paid", "Given back"];
  const number = new Set(["Amount", "To paid", "Given back"]);
  return [h("table", { class: "sales" }, h("thead", {}, h("tr", {}, heads.map((x) => h("th", { scope: "col", class: number.has(x) && "number" }, x)))),
    h("tbody", {}, list.slice(0, most).map((v) => h("tr", {},
      h("td", {}, (dayOf(v.created_at) === today ? "" : dayOf(v.created_at) + " ") + clock(v.created_at)),
      h("td", {}, h("button", { type: "button", class: "link", "data-key": "sale " + v.id, onclick: () => act.open(v.id) }, v.id), v.ticket ? h("span", { class: "soft" }, " " + v.ticket) : null),
      h("td", {}, v.lane), h("td", { class: "number" }, money(v.amount, v.currency)), h("td", {}, pill(stateOf(v))), h("td", {}, v.wallet ? wallet(v.wallet) : "–"),
      h("td", { class: "number" }, v.paid_ms === undefined ? "–" : span(v.paid_ms)), h("td", { class: "number" }, v.refunded ? decimal(v.refunded, v.currency) : "–"))))),
  list.length > most ? h("p", { class: "soft" }, `${most} of ${list.length} are shown; the CSV has all of the day.`) : ""];
}
