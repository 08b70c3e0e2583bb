// Amounts and times as people of the shop write them: in the currency's decimals and the configured time zone, which
// need not be the browser's.

let decimals = {};
let offset = 0; // of the shop, milliseconds
let skew = 0; // cpmd's clock less this browser's

export function useAccess(access) {
  decimals = access.currencies;
  offset = access.utc_offset * 1000;
  skew = Date.parse(access.now) - Date.now();
}

export const digitsOf = (currency) => decimals[currency] ?? 2;

export function decimal(minor, currency) {
  const n = digitsOf(currency);
  const all = String(minor).padStart(n + 1, "0");
  const whole = all.slice(0, all.length - n).replace(/\B(?=(\d{3})+$)/g, " ");
  return n ? whole + "." + all.slice(-n) : whole;
}

export const money = (minor, currency) => currency + " " + decimal(minor, currency);

// minorOf reads "128.50" digit by digit; null where it is none.
export function minorOf(text, currency) {
  const n = digitsOf(currency);
  const m = /^(\d{1,11})(?:\.(\d+))?$/.exec(text.replace(/[\s ]/g, ""));
  if (!m || (m[2] || "").length > n) return null;
  const minor = Number(m[1] + (m[2] || "").padEnd(n, "0"));
  return minor > 0 && Number.isSafeInteger(minor) ? minor : null;
}

export const now = () => Date.now() + skew;
const local = (t) => new Date((typeof t === "string" ? Date.parse(t) : t) + offset).toISOString();
export const clock = (t) => local(t).slice(11, 19);
export const dayOf = (t) => local(t).slice(0, 10);
export const hourOf = (t) => Number(local(t).slice(11, 13)) + Number(local(t).slice(14, 16)) / 60;

export function span(ms) {
  if (ms < 10000) return (ms / 1000).toFixed(1) + " s";
  if (ms < 90000) return Math.round(ms / 1000) + " s";
  return Math.round(ms / 60000) + " min";
}

export function countdown(until) {
  const s = Math.ceil((Date.parse(until) - now()) / 1000);
  if (s <= 0) return "now";
  return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
}

export const wallets = { alipay: "Alipay", wechat: "WeChat Pay", unionpay: "UnionPay", payme: "PayMe" };
export const wallet = (w) => wallets[w] || w || "no wallet";
