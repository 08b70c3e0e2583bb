// A sale's whole story: what happened when, its numbers, and what can be done about it.
import { call } from "/page/api.js";
import { $, h } from "/page/element.js";
import { clock, dayOf, money, wallet } from "/page/money.js";
import { pill } from "/page/lanes.js";
import { stateOf } from "/page/words.js";

let shown = ""; // the sale's id

export async function open(id, act) {
  const story = await call("/v1/sales/" + encodeURIComponent(id) + "/story");
  shown = id;
  draw(story, act);
  if (!$("story").open) $("story").showModal();
}

// renew draws the open story anew, if there is one.
export async function renew(act) {
  if (!$("story").open || !shown) return;
  const story = await call("/v1/sales/" + encodeURIComponent(shown) + "/story").catch(() => null);
  if (story && $("story").open && story.sale.id === shown) draw(story, act);
}

function facts(rows) {
  return h("dl", {}, rows.filter((r) => r[1]).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

function draw({ sale: v, refunds, lines, next }, act) {
  const left = v.amount - v.refunded;
  const held = document.activeElement?.dataset?.key;
  const buttons = h("div", { class: "acts" },
    h("button", { type: "button", class: "quiet", "data-key": "close", onclick: () => $("story").close() }, "Close"),
    act.may.has("sell") || act.may.has("resolve") ? h("button", { type: "button", class: "quiet", "data-key": "ask", onclick: () => act.ask(v) }, "Ask QFPay now") : null,
    !v.final && v.state !== "unresolved" && act.may.has("sell") ? h("button", { type: "button", class: "danger", "data-key": "cancel", onclick: () => act.cancel(v) }, "Cancel") : null,
    v.state === "unresolved" && act.may.has("resolve") ? h("button", { type: "button", "data-key": "resolve", onclick: () => act.resolve(v) }, "Decide") : null,
    v.state === "paid" && left > 0 && act.may.has("refund") ? h("button", { type: "button", class: "danger", "data-key": "refund", onclick: () => act.refund(v) }, "Refund") : null);
  $("story").replaceChildren(
    h("div", { class: "card-head" }, h("h2", { id: "story-head" }, "Sale " + v.id), pill(stateOf(v))),
    h("p", { class: "amount" }, money(v.amount, v.currency)),
    h("p", { class: "message" }, v.message),
    facts([["Lane", v.lane], ["Ticket", v.ticket], ["Wallet", v.wallet && wallet(v.wallet)], ["Given back", v.refunded > 0 && money(v.refunded, v.currency)],
      ["Opened", dayOf(v.created_at) + " " + clock(v.created_at)], ["Opened by", v.by], ["Operator", v.operator], ["Shift", v.shift]]),
    h("h3", {}, "What happened"),
    h("ol", { class: "line long", tabindex: 0, "aria-label": "What happened" }, lines.map((l) => h("li", {}, h("time", { datetime: l.at }, clock(l.at)), h("span", {}, l.text)))),
    h("p", {}, h("b", {}, "Next: "), next),
    ...(v.payments.length ? [h("h3", {}, "Payments"), ...v.payments.map((p) => facts([["Number", p.out_trade_no], ["QFPay", p.syssn],
      ["Wallet's number", p.chnlsn], ["Answer", p.respcd], ["Code", p.auth_code], ["State", p.state]]))] : []),
    ...(refunds?.length ? [h("h3", {}, "Refunds"), ...refunds.map((r) => h("p", {}, money(r.amount, r.currency) + " ", pill(stateOf(r)), " " + r.message + (r.by ? " (" + r.by + ")" : "")))] : []),
    buttons);
  if (held) $("story").querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}
