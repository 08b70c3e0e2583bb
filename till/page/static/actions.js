// What an operator may do, each after a confirmation that says what will happen.
import { call } from "/page/api.js";
import { $, h } from "/page/element.js";
import { decimal, minorOf, money, wallet } from "/page/money.js";

const path = (kind, id) => "/v1/" + kind + "/" + encodeURIComponent(id);

// confirm opens a dialog; does is called with its form and either succeeds or throws what the dialog then shows.
function confirm({ title, says, fields = [], yes, no = "Keep it as it is", danger = true, does, done }) {
  const d = $("dialog");
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "" }, yes);
  const form = h("form", {
    onsubmit: async (e) => {
      e.preventDefault();
      go.disabled = true;
      wrong.textContent = "";
      try {
        await does(form);
        d.close();
        done?.();
      } catch (problem) {
        wrong.textContent = problem.message;
        problem.more?.(form, wrong);
      }
      go.disabled = false;
    },
  },
  h("h2", { id: "dialog-head" }, title), says.map((t) => h("p", {}, t)), fields, wrong,
  h("div", { class: "acts" }, h("button", { type: "button", class: "quiet", autofocus: fields.length === 0, onclick: () => d.close() }, no), go));
  d.replaceChildren(form);
  d.showModal();
}

function note(label) {
  return h("label", { class: "field" }, label, h("input", { name: "note", required: true, maxlength: 200, autocomplete: "off" }));
}

export function cancel(v, done) {
  confirm({
    title: "Cancel this sale?",
    says: [`Sale ${v.id}, ${money(v.amount, v.currency)}, lane ${v.lane}.`,
      v.state === "waiting" ? "No code has been taken: it ends at once, and nothing is charged."
        : "It was sent to QFPay: cpmd tries to undo it, and it may still turn out paid. The sale says what came of it."],
    yes: "Cancel the sale", done,
    does: () => call(path("sales", v.id) + "/cancel", { method: "POST" }),
  });
}

export function refund(v, done) {
  // One id for this dialog: sending it again after a lost answer never gives the money back twice.
  const id = "page-" + Date.now().toString(36) + "-" + Math.random().toString(36).slice(2, 8);
  const left = v.amount - v.refunded;
  confirm({
    title: "Give money back?",
    says: [`Sale ${v.id}, ${money(v.amount, v.currency)}, ${wallet(v.wallet)}.` + (v.refunded ? ` ${money(v.refunded, v.currency)} went back already.` : ""),
      "It goes back to the wallet that paid. It cannot be undone."],
    fields: [h("label", { class: "field" }, "Amount in " + v.currency + ", at most " + decimal(left, v.currency),
      h("input", { name: "amount", inputmode: "decimal", autocomplete: "off", required: true, value: decimal(left, v.currency) }))],
    yes: "Give it back", done,
    does: (form) => {
      const amount = minorOf(form.elements.amount.value, v.currency);
      if (amount === null || amount > left) throw new Error("Write an amount such as " + decimal(left, v.currency) + ", and no more than that.");
      form.elements.amount.readOnly = true; // the same request again has the same content
      return call(path("refunds", id), { method: "PUT", body: { sale: v.id, amount } }).catch((e) => {
        if (e.status) form.elements.amount.readOnly = false;
        throw e;
      });
    },
  });
}

function decide(what, kind, id, choices, done) {
  confirm({
    title: "What became of it?",
    says: [what, "Decide only what QFPay's portal or the customer's phone shows. It stands in the journal under your name, and cpmd still asks QFPay later."],
    fields: [h("fieldset", {}, h("legend", {}, "Outcome"), choices.map(([value, label]) =>
      h("label", { class: "choice" }, h("input", { type: "radio", name: "outcome", value, required: true }), label))), note("How is that known?")],
    yes: "Decide", no: "Not yet", done,
    does: (form) => call(path(kind, id) + "/resolve", {
      method: "POST",
      body: { outcome: form.elements.outcome.value, note: form.elements.note.value, ...(form.elements.even?.checked ? { even_though: true } : {}) },
    }).catch((e) => {
      if (e.code === "contradicts_gateway") {
        e.more = (f, wrong) => f.elements.even || wrong.before(h("label", { class: "choice" }, h("input", { type: "checkbox", name: "even" }), "Decide even though QFPay says otherwise"));
      }
      throw e;
    }),
  });
}

export const resolve = (v, done) => decide(`Sale ${v.id}, ${money(v.amount, v.currency)}, lane ${v.lane}.`, "sales", v.id,
  [["paid", "Paid: the customer was charged"], ["not_paid", "Not paid: the customer was not charged"]], done);

export const resolveRefund = (r, done) => decide(`Refund ${r.id}, ${money(r.amount, r.currency)}, of sale ${r.sale}.`, "refunds", r.id,
  [["refunded", "Refunded: the money went back"], ["not_refunded", "Not refunded: it did not go back"]], done);

export function settle(a, done) {
  confirm({
    title: "Settle alarm " + a.seq + "?",
    says: [a.what, "Some alarms announce that money will be given back: settled before that time, the money stays."],
    fields: [note("What was done about it?")], yes: "Settle", no: "Leave it standing", danger: false, done,
    does: (form) => call("/v1/alarms/" + a.seq + "/settle", { method: "POST", body: { note: form.elements.note.value } }),
  });
}

export const ask = (v) => call(path("sales", v.id) + "/ask", { method: "POST" });
