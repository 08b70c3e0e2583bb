// The customer display: /display?lane=1&lang=zh-Hant,en#token=...
// It shows what cpmd says, counts down, reconnects by itself, and says so while cpmd is away.
import { call, follow, useToken } from "/page/api.js";

const $ = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);
const lang = asked.get("lang") || (navigator.languages || []).slice(0, 1).join(",");
const query = "?lang=" + encodeURIComponent(lang);

const signs = {
  idle: "idle", scan: "scan", again: "scan", processing: "wait", confirm: "confirm", checking: "wait", paid: "paid", declined: "not",
  cancelled: "not", no_scan: "not", not_paid: "not", ask: "ask", returned: "back", closed: "ask", away: "wait", start: "wait",
};

let away = [{ lang: "en", title: "One moment, please", hint: "This display is reconnecting" }];
let counting = null; // {since, until} in this machine's time

function words(texts) {
  const all = texts.map((t) => {
    const one = document.createElement("div");
    one.lang = t.lang;
    for (const part of ["title", "hint"]) {
      if (!t[part]) continue;
      const p = document.createElement("p");
      p.className = part;
      p.textContent = t[part];
      one.append(p);
    }
    return one;
  });
  $("words").replaceChildren(...all);
  document.documentElement.lang = texts[0].lang;
  document.title = texts[0].title || "Payment";
}

function amount(text) {
  const [currency, number] = text ? text.split(" ") : [];
  $("amount").replaceChildren();
  if (!number) return;
  const c = document.createElement("span");
  c.className = "currency";
  c.textContent = currency;
  $("amount").append(c, number);
  $("amount").style.setProperty("--ems", 0.7 * number.length + 0.32 * currency.length + 0.2);
}

function show(v) {
  const offset = Date.now() - Date.parse(v.at);
  counting = v.until ? { since: Date.parse(v.since) + offset, until: Date.parse(v.until) + offset } : null;
  document.body.dataset.show = v.show;
  $("icon").setAttribute("href", "#sign-" + (signs[v.show] || "ask"));
  amount(v.amount_text);
  words(v.texts);
  tick();
}

// tick moves the countdown: the ring goes down with the seconds.
function tick() {
  const on = counting !== null;
  document.body.classList.toggle("counting", on);
  if (!on) {
    $("seconds").textContent = "";
    $("left").style.strokeDashoffset = document.body.dataset.show === "paid" ? 0 : 1;
    return;
  }
  const left = Math.max(0, counting.until - Date.now());
  const share = Math.min(1, left / Math.max(1, counting.until - counting.since));
  $("left").style.strokeDashoffset = 1 - share;
  const s = Math.ceil(left / 1000);
  $("seconds").textContent = Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
}
setInterval(tick, 1000);

let lost = null;
function gone() {
  lost ??= setTimeout(() => show({ show: "away", texts: away, at: new Date().toISOString(), amount_text: "" }), 1500);
}
function back() {
  clearTimeout(lost);
  lost = null;
}

// broken says what a person who sets the display up has to mend.
function broken(title, hint) {
  back();
  show({ show: "closed", texts: [{ lang: "en", title, hint }], at: new Date().toISOString(), amount_text: "" });
}

function choose(lanes) {
  show({ show: "start", texts: [{ lang: "en", title: "Which lane?", hint: "" }], at: new Date().toISOString(), amount_text: "" });
  $("lanes").hidden = false;
  $("lanes").replaceChildren(...lanes.map((name) => {
    const a = document.createElement("a");
    const to = new URLSearchParams(asked);
    to.set("lane", name);
    a.href = "/display?" + to + location.hash;
    a.textContent = name;
    return a;
  }));
}

async function start() {
  useToken(new URLSearchParams(location.hash.slice(1)).get("token") || "");
  let about;
  while (!about) {
    try {
      about = await call("/v1/displays" + query);
    } catch (e) {
      if (e.status === 401 || e.status === 403) {
        broken("This display may not be here", "Open it with the address that cpmctl page -display prints");
        return;
      }
      gone();
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
  away = about.away;
  const lane = asked.get("lane") || (about.lanes.length === 1 ? about.lanes[0] : "");
  if (!lane) return choose(about.lanes);
  follow("/v1/lanes/" + encodeURIComponent(lane) + "/display" + query, {
    event: (_, v) => { back(); show(v); },
    open: back,
    lost: gone,
    refused: (e) => {
      if (e.status === 404) broken("There is no lane " + lane, "Lanes: " + about.lanes.join(", "));
      if (e.status === 401 || e.status === 403) broken("This display may not be here", "Open it with the address that cpmctl page -display prints");
      return e.status < 500;
    },
  });
}

start();
