// The day as a drawing: above, how many sales ended how in each hour; below, how long each paid one took, by wallet.
import { h, s } from "/page/element.js";
import { hourOf, span, wallet } from "/page/money.js";

const left = 44, right = 22, bars = 96, gap = 34, dots = 132, foot = 22;
const height = bars + gap + dots + foot;
const shapes = ["circle", "square", "diamond", "triangle", "cross"];

// between picks the hours to show: those with sales and one beside, at least eight.
function between(hours) {
  let from = Math.max(0, Math.floor(Math.min(...hours)) - 1), to = Math.min(24, Math.ceil(Math.max(...hours) + 0.01) + 1);
  while (to - from < 8) {
    if (to < 24) to++;
    if (to - from < 8 && from > 0) from--;
  }
  return [from, to];
}

// plot draws for so much room in pixels, where text of the page has so many times its usual size.
export function plot(day, room, scale) {
  const width = Math.max(240, room / scale);
  const ended = day.sales.filter((v) => v.ended_at);
  if (!ended.length) return h("p", { class: "free" }, "No sale has ended on this day.");
  const [from, to] = between(ended.map((v) => hourOf(v.ended_at)));
  const x = (hour) => left + (hour - from) / (to - from) * (width - left - right);
  const drawing = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": inWords(ended) });
  drawing.append(...columns(ended, from, to, x, width), ...times(ended, x, width));
  const step = Math.ceil((to - from) / ((width - left) / 56));
  for (let hour = from; hour <= to; hour += step) drawing.append(s("text", { x: x(hour), y: height - 4, class: "axis", "text-anchor": "middle" }, String(hour).padStart(2, "0") + ":00"));
  return h("figure", {}, drawing, legend(ended));
}

function columns(ended, from, to, x, width) {
  const counts = Array.from({ length: to - from }, () => [0, 0]);
  for (const v of ended) counts[Math.min(to - from - 1, Math.floor(hourOf(v.ended_at)) - from)][v.state === "paid" ? 0 : 1]++;
  const most = Math.max(...counts.map(([a, b]) => a + b));
  const y = (n) => bars - n / most * (bars - 16);
  const all = [s("text", { x: left - 8, y: 13, class: "axis", "text-anchor": "end" }, most + ""), s("text", { x: left - 8, y: bars, class: "axis", "text-anchor": "end" }, "0"),
    s("line", { x1: left, x2: width - right, y1: bars, y2: bars, class: "rule" }), s("text", { x: left, y: 10, class: "axis name" }, "Sales an hour")];
  counts.forEach(([paid, not], i) => {
    const at = x(from + i) + 3, wide = x(from + i + 1) - x(from + i) - 6;
    if (paid) all.push(s("rect", { x: at, y: y(paid), width: wide, height: bars - y(paid), rx: 2, class: "paid" }));
    if (not) all.push(s("rect", { x: at, y: y(paid + not), width: wide, height: y(paid) - y(paid + not), rx: 2, class: "not" }));
  });
  return all;
}

const walletsOf = (ended) => [...new Set(ended.filter((v) => v.paid_ms !== undefined).map((v) => v.wallet))].sort();

// times draws on a logarithmic scale: most sales take two seconds, and some a minute.
function times(ended, x, width) {
  const top = bars + gap, low = 200, high = 200000;
  const y = (ms) => top + dots - Math.log(Math.min(high, Math.max(low, ms)) / low) / Math.log(high / low) * dots;
  const all = [s("text", { x: left, y: top - 8, class: "axis name" }, "Time to paid")];
  for (const ms of [1000, 10000, 60000]) all.push(s("line", { x1: left, x2: width - right, y1: y(ms), y2: y(ms), class: "rule" }),
    s("text", { x: left - 8, y: y(ms) + 4, class: "axis", "text-anchor": "end" }, span(ms).replace(".0", "")));
  const names = walletsOf(ended);
  for (const v of ended) {
    if (v.paid_ms === undefined) continue;
    const n = names.indexOf(v.wallet);
    all.push(mark(n, x(hourOf(v.ended_at)), y(v.paid_ms)));
  }
  return all;
}

// mark tells wallets apart by form and by colour.
function mark(n, x, y) {
  const c = "mark w" + n % shapes.length, r = 4;
  switch (shapes[n % shapes.length]) {
    case "square": return s("rect", { x: x - r + 0.5, y: y - r + 0.5, width: 2 * r - 1, height: 2 * r - 1, class: c });
    case "diamond": return s("path", { d: `M${x} ${y - r - 1}l${r + 1} ${r + 1}-${r + 1} ${r + 1}-${r + 1}-${r + 1}z`, class: c });
    case "triangle": return s("path", { d: `M${x} ${y - r - 0.5}l${r + 0.5} ${2 * r}h-${2 * r + 1}z`, class: c });
    case "cross": return s("path", { d: `M${x - r} ${y - r}l${2 * r} ${2 * r}M${x + r} ${y - r}l-${2 * r} ${2 * r}`, class: c + " open" });
  }
  return s("circle", { cx: x, cy: y, r, class: c });
}

function legend(ended) {
  const key = (drawn, text) => h("li", {}, s("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, drawn), text);
  return h("ul", { class: "legend" }, key(s("rect", { x: 1, y: 1, width: 12, height: 12, rx: 2, class: "paid" }), "Paid"),
    key(s("rect", { x: 1, y: 1, width: 12, height: 12, rx: 2, class: "not" }), "Not paid"), walletsOf(ended).map((w, n) => key(mark(n, 7, 7), wallet(w))));
}

function inWords(ended) {
  const paid = ended.filter((v) => v.state === "paid");
  const took = paid.filter((v) => v.paid_ms !== undefined).map((v) => v.paid_ms).sort((a, b) => a - b);
  return `${ended.length} sales ended, ${paid.length} of them paid` + (took.length ? `; half were paid within ${span(took[Math.floor((took.length - 1) / 2)])}, the slowest within ${span(took.at(-1))}` : "") + ".";
}
