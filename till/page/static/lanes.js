// The lanes: the scanner's health, and the sale in progress with its time line and countdown.
import { h } from "/page/element.js";
import { clock, countdown, money, now, wallet } from "/page/money.js";
import { scannerOf, stateOf } from "/page/words.js";

export function pill([text, look]) {
  return h("span", { class: "pill " + look }, text);
}

// limit is the moment until which something is awaited, with its words.
function limit(v) {
  if (v.scan_by) return [v.scan_by, "to show a code"];
  if (v.deliver_by) return [v.deliver_by, "to confirm the delivery"];
  if (v.decide_by) return [v.decide_by, "until it is known"];
  return null;
}

// left is a countdown that tick keeps going.
function left(v) {
  const l = limit(v);
  if (!l) return null;
  return h("div", { class: "left" },
    h("div", { class: "track" }, h("div", { class: "fill", "data-since": v.updated_at, "data-until": l[0] })),
    h("span", {}, h("b", { "data-until": l[0] }, countdown(l[0])), " " + l[1]));
}

// tick moves every countdown on the page.
export function tick() {
  for (const e of document.querySelectorAll("[data-until]")) {
    const { since, until } = e.dataset;
    if (!since) e.textContent = countdown(until);
    else {
      const share = (Date.parse(until) - now()) / Math.max(1, Date.parse(until) - Date.parse(since));
      e.style.setProperty("--share", Math.max(0, Math.min(1, share)));
    }
  }
}

function timeLine(lines) {
  if (!lines?.length) return null;
  return h("ol", { class: "line" }, lines.slice(-4).map((l) => h("li", {}, h("time", { datetime: l.at }, clock(l.at)), h("span", {}, l.text))));
}

export function lane(l, story, act) {
  const scanner = l.virtual ? ["Codes come from the till", "flat"] : scannerOf(l.scanner);
  const v = l.sale;
  return h("article", { class: "card" + (v ? " busy" : ""), "aria-label": "Lane " + l.name },
    h("div", { class: "card-head" }, h("h3", {}, "Lane " + l.name), pill(scanner)),
    l.scanner.state !== "open" && l.scanner.advice ? h("p", { class: "advice" }, l.scanner.advice) : null,
    v ? [
      h("div", { class: "now" }, h("p", { class: "amount" }, money(v.amount, v.currency)), pill(stateOf(v))),
      h("p", { class: "message" }, v.message),
      left(v),
      timeLine(story?.lines),
      h("p", { class: "soft" }, [v.id, v.ticket && "ticket " + v.ticket, v.wallet && wallet(v.wallet)].filter(Boolean).join(" · ")),
      h("div", { class: "acts" },
        h("button", { type: "button", class: "quiet", "data-key": "open " + l.name, onclick: () => act.open(v.id) }, "Whole story"),
        act.may.has("sell") ? h("button", { type: "button", class: "danger", "data-key": "cancel " + l.name, onclick: () => act.cancel(v) }, "Cancel") : null),
    ] : h("p", { class: "free" }, l.scanner.state === "open" ? "Free" : "Takes no codes until the scanner is there"));
}
