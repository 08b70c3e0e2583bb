// The operator's page: signs in, keeps what is shown up to date, and hands actions to actions.js.
// The counter is read anew after each event; the day, which is more, less often than it takes long to read.
import * as actions from "/page/actions.js";
import { call, download, follow, useToken } from "/page/api.js";
import { books } from "/page/books.js";
import { $, fill } from "/page/element.js";
import { lane, tick } from "/page/lanes.js";
import { dayOf, money, now, useAccess } from "/page/money.js";
import { plot } from "/page/plot.js";
import { found, table } from "/page/sales.js";
import * as story from "/page/story.js";
import { todo } from "/page/todo.js";
import { totals } from "/page/totals.js";
import { stateOf } from "/page/words.js";

const key = "cpmd session"; // in sessionStorage: of this tab and this address alone

let day = { sales: [], refunds: [] };
let picked = ""; // a day; "": today
let stopped = false;

function say(text, look, stale = false) {
  document.body.classList.toggle("stale", stale);
  $("state").textContent = text;
  $("state").className = "pill " + look;
}

function tell(text) {
  const p = document.createElement("p");
  p.textContent = text;
  $("told").append(p);
  while ($("told").childElementCount > 5) $("told").firstChild.remove();
}

// once lets a reading run alone: what is asked for meanwhile makes it run once more.
function once(read, rest = () => 0) {
  let running = false, again = false;
  return async function run() {
    if (stopped) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    const began = performance.now();
    try {
      await read();
    } catch (e) {
      failed(e);
    }
    await new Promise((done) => setTimeout(done, rest(performance.now() - began)));
    running = false;
    if (again) {
      again = false;
      run();
    }
  };
}

function failed(e) {
  if (e.status === 401) enter("Your session is over.");
  else if (e.status === 0) say("cpmd is away; trying again", "bad", true);
  else if (e.status !== 404) say(e.message, "bad");
}

const act = {
  may: new Set(),
  open: (id) => story.open(id, act).catch(failed),
  ask: (v) => actions.ask(v).then(renew, failed),
  compare: async () => {
    say("Comparing with QFPay", "live");
    await call("/v1/reconciliation", { patience: 150000 }).catch(failed);
    renew();
  },
};
for (const name of ["cancel", "refund", "resolve", "resolveRefund", "settle"]) act[name] = (v) => actions[name](v, renew);

const counter = once(async () => {
  const d = await call("/v1/diagnosis");
  const lists = ["lanes", "unfinished_sales", "unfinished_refunds", "alarms", "advice"];
  for (const l of lists) d[l] ??= [];
  const stories = await Promise.all(d.lanes.map((l) => l.sale ? call("/v1/sales/" + encodeURIComponent(l.sale.id) + "/story").catch(() => null) : null));
  fill($("lanes"), d.lanes.map((l, i) => lane(l, stories[i], act)));
  const cards = todo(d, act);
  $("todo").hidden = cards.length === 0;
  fill($("todo-list"), cards);
  if (d.ready) say("Taking payments", "good");
  else say("Not taking payments", "bad");
  tick();
  story.renew(act);
}, () => 100);

const theDay = once(async () => {
  const q = picked ? "?day=" + picked : "";
  const [d, t] = await Promise.all([call("/v1/day" + q, { patience: 60000 }), call("/v1/totals" + q)]);
  day = d;
  if (document.activeElement !== $("day")) $("day").value = d.day;
  $("totals-head").textContent = picked ? "Totals of " + d.day : "Today";
  fill($("totals"), totals(t, d));
  draw();
  fill($("books"), books(d.books, act));
  await list();
}, (took) => Math.min(Math.max(1000, took * 10), 5000));

// draw fits the drawing to the window as it is.
function draw() {
  const inside = getComputedStyle($("plot"));
  const room = $("plot").clientWidth - parseFloat(inside.paddingLeft) - parseFloat(inside.paddingRight);
  fill($("plot"), plot(day, room, parseFloat(inside.fontSize) / 15));
}

async function list() {
  const words = $("words").value;
  const all = await found(day, words);
  if (words === $("words").value) fill($("sales"), table(all, day.day, act));
}

function renew() {
  counter();
  theDay();
}

function happened(kind, v) {
  counter();
  if (kind === "sale" || kind === "refund" || kind === "reset") theDay();
  if (kind === "sale" && (v.final || v.state === "unresolved")) tell(`Lane ${v.lane}: ${money(v.amount, v.currency)}, ${stateOf(v)[0]}`);
  if (kind === "alarm" && v.open) tell("Alarm " + v.seq + ": " + v.what);
}

// enter shows how to sign in.
function enter(why = "") {
  stopped = true;
  sessionStorage.removeItem(key);
  useToken("");
  for (const d of document.querySelectorAll("dialog[open]")) d.close();
  $("main").hidden = $("who").hidden = true;
  $("enter").hidden = false;
  $("enter-why").textContent = why;
  say("Not signed in", "flat");
}

async function logIn(code) {
  const { token } = await call("/page/login", { method: "POST", body: { code } });
  sessionStorage.setItem(key, token);
  location.reload();
}

async function start() {
  const code = /^#login=([0-9a-f]+)$/.exec(location.hash)?.[1];
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (code) {
    await logIn(code).catch((e) => enter(e.message));
    return;
  }
  useToken(sessionStorage.getItem(key) || "");
  if (!sessionStorage.getItem(key)) return enter();
  let access;
  while (!access) {
    try {
      access = await call("/v1/access");
    } catch (e) {
      failed(e);
      if (stopped) return;
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  useAccess(access);
  act.may = new Set(access.may);
  $("operator").textContent = access.by.replace(/^.*?, (?=user |operator )/, "").replaceAll(/\b(user|operator) /g, "");
  $("main").hidden = $("who").hidden = false;
  renew();
  setInterval(tick, 1000);
  setInterval(() => { if (!picked && day.day && day.day !== dayOf(now())) theDay(); }, 60000); // midnight
  const { journal } = await call("/v1/diagnosis").catch(() => ({ journal: { seq: 0 } }));
  follow("/v1/events", {
    event: happened,
    open: renew,
    lost: () => stopped || say("cpmd is away; trying again", "bad", true),
    refused: (e) => { failed(e); return stopped; },
  }, journal.seq);
}

$("leave").addEventListener("click", () => enter());
$("enter-form").addEventListener("submit", (e) => {
  e.preventDefault();
  const code = /(?:#login=)?([0-9a-f]{32})\s*$/.exec($("enter-code").value)?.[1];
  if (!code) {
    $("enter-why").textContent = "That is no link of cpmctl page.";
    return;
  }
  logIn(code).catch((problem) => { $("enter-why").textContent = problem.message; });
});
$("search").addEventListener("submit", (e) => e.preventDefault());
$("day").addEventListener("change", () => {
  picked = $("day").value === dayOf(now()) ? "" : $("day").value;
  theDay();
});
addEventListener("resize", () => day.day && draw());
let typing;
$("words").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => list().catch(failed), 200);
});
$("csv").addEventListener("click", async () => {
  try {
    const url = URL.createObjectURL(await download("/v1/day" + (picked ? "?day=" + picked : ""), "text/csv"));
    const a = document.createElement("a");
    a.href = url;
    a.download = "cpmd-" + (day.day || dayOf(now())) + ".csv";
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  } catch (e) {
    failed(e);
  }
});
start();
