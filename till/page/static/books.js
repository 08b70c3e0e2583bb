// The last comparison with QFPay's list.
import { h } from "/page/element.js";
import { clock, dayOf, money } from "/page/money.js";

export function books(r, act) {
  const button = h("button", { type: "button", class: "quiet", "data-key": "compare", onclick: act.compare }, "Compare today now");
  if (!r) return h("div", { class: "books" }, h("p", { class: "free" }, "No day has been compared yet. cpmd does it each night."), button);
  const apart = [["Only here", r.only_here], ["Only at QFPay", r.only_there], ["Different", r.different]].filter(([, list]) => list?.length);
  return [
    h("p", { class: apart.length ? "wrong" : "right" }, h("b", {}, r.day), ": " + (apart.length ? apart.map(([name, list]) => name.toLowerCase() + ": " + list.length).join(", ") + "; " : "") +
      (r.agreed === 1 ? "1 number agrees" : r.agreed + " numbers agree") + " with QFPay."),
    apart.map(([name, list]) => h("div", { class: "scrolls", tabindex: 0, role: "region", "aria-label": name }, h("table", {},
      h("caption", {}, name),
      h("thead", {}, h("tr", {}, ["Number", "Sale", "Amount", "Here", "At QFPay"].map((x) => h("th", { scope: "col" }, x)))),
      h("tbody", {}, list.map((m) => h("tr", {}, h("td", {}, m.out_trade_no), h("td", {}, m.refund ? "refund " + m.refund : m.sale || "–"),
        h("td", {}, money(m.amount, m.currency)), h("td", {}, m.here || "nothing"), h("td", {}, m.there || "nothing"))))))),
    h("div", { class: "books" },
      h("p", { class: "soft" }, "Compared " + dayOf(r.at) + " " + clock(r.at) + " by " + (r.by === "day_end" ? "cpmd, at the day's end" : r.by) + "."), button),
  ];
}
