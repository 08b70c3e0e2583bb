// What a person must look at: alarms, and what is not finished, each with what it waits for and the way out.
import { h } from "/page/element.js";
import { clock, dayOf, money } from "/page/money.js";
import { pill } from "/page/lanes.js";
import { stateOf } from "/page/words.js";

export function todo(d, act) {
  const held = new Set(d.lanes.map((l) => l.sale?.id));
  const sales = d.unfinished_sales.filter((v) => !held.has(v.id));
  const aside = d.advice.filter((a) => !/^(alarm \d|unresolved sales|lane )/.test(a));
  return [
    aside.map((a) => h("article", { class: "card bad" }, h("h3", {}, "cpmd"), h("p", {}, a))),
    d.alarms.map((a) => alarm(a, act)),
    sales.map((v) => unfinished(v, act)),
    d.unfinished_refunds.map((r) => refund(r, act)),
  ].flat();
}

function alarm(a, act) {
  return h("article", { class: "card bad", "aria-label": "Alarm " + a.seq },
    h("div", { class: "card-head" }, h("h3", {}, "Alarm " + a.seq), pill([a.kind + " " + a.id, "bad"])),
    h("p", {}, a.what),
    h("p", { class: "soft" }, "since " + dayOf(a.at) + " " + clock(a.at) + "; it stands until somebody settles it"),
    h("div", { class: "acts" },
      a.kind === "sale" ? h("button", { type: "button", class: "quiet", "data-key": "alarm story " + a.seq, onclick: () => act.open(a.id) }, "Whole story") : null,
      act.may.has("resolve") ? h("button", { type: "button", "data-key": "settle " + a.seq, onclick: () => act.settle(a) }, "Settle") : null));
}

function unfinished(v, act) {
  const open = v.state === "unresolved";
  return h("article", { class: "card warn", "aria-label": "Sale " + v.id },
    h("div", { class: "card-head" }, h("h3", {}, money(v.amount, v.currency)), pill(stateOf(v))),
    h("p", {}, v.message),
    open ? h("p", {}, "cpmd goes on asking QFPay. The way out: look at the customer's phone or QFPay's portal, then decide here.") : null,
    h("p", { class: "soft" }, v.id + " · lane " + v.lane + " · since " + dayOf(v.created_at) + " " + clock(v.created_at)),
    h("div", { class: "acts" },
      h("button", { type: "button", class: "quiet", "data-key": "story " + v.id, onclick: () => act.open(v.id) }, "Whole story"),
      act.may.has("sell") || act.may.has("resolve") ? h("button", { type: "button", class: "quiet", "data-key": "ask " + v.id, onclick: () => act.ask(v) }, "Ask QFPay now") : null,
      open && act.may.has("resolve") ? h("button", { type: "button", "data-key": "resolve " + v.id, onclick: () => act.resolve(v) }, "Decide") : null));
}

function refund(r, act) {
  return h("article", { class: "card warn", "aria-label": "Refund " + r.id },
    h("div", { class: "card-head" }, h("h3", {}, "Refund of " + money(r.amount, r.currency)), pill(stateOf(r))),
    h("p", {}, r.message),
    h("p", { class: "soft" }, r.id + " of sale " + r.sale),
    h("div", { class: "acts" },
      h("button", { type: "button", class: "quiet", "data-key": "story " + r.id, onclick: () => act.open(r.sale) }, "Whole story"),
      r.state === "unresolved" && act.may.has("resolve") ? h("button", { type: "button", "data-key": "resolve " + r.id, onclick: () => act.resolveRefund(r) }, "Decide") : null));
}
