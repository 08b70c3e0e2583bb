// How the pages speak to cpmd: requests and server-sent events over fetch, which sends the token in a header. It is never
// in a cookie or in an address that goes over the wire.

let token = "";

export function useToken(t) {
  token = t;
}

// A Refusal is an answer that is no success; code is for programs, its message is for people. status 0: no answer came.
export class Refusal extends Error {
  constructor(status, code, detail, sale) {
    super(detail);
    Object.assign(this, { status, code, sale });
  }
}

const away = () => new Refusal(0, "away", "cpmd does not answer. It is not known whether the request arrived; it can be repeated.");

async function send(path, { method = "GET", body, accept = "application/json", signal } = {}) {
  const headers = { Accept: accept };
  if (token) headers.Authorization = "Bearer " + token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw away();
  }
  if (!answer.ok) {
    const p = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, p.code || "unknown", p.detail || "cpmd answered " + answer.status, p.sale);
  }
  return answer;
}

// call makes a request and returns what JSON says.
export async function call(path, options = {}) {
  const answer = await send(path, { ...options, signal: AbortSignal.timeout(options.patience ?? 20000) });
  try {
    return await answer.json();
  } catch {
    throw away();
  }
}

// download makes a request and returns its bytes.
export async function download(path, accept) {
  return (await send(path, { accept, signal: AbortSignal.timeout(60000) })).blob();
}

const silence = 40000; // cpmd gives a sign of life every 15 seconds
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// follow reads events until the refused handler returns true. It reconnects by itself, after the last event's id.
//   event(kind, data)  open()  lost()  refused(refusal)
export async function follow(path, on, after) {
  for (let wait = 500; ; wait = Math.min(wait * 1.5, 5000)) {
    const abort = new AbortController();
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => abort.abort(), silence);
    };
    try {
      alive();
      const from = after === undefined ? path : path + "?after=" + after;
      const answer = await send(from, { accept: "text/event-stream", signal: abort.signal });
      wait = 500;
      on.open?.();
      const read = reader((kind, data, id) => {
        if (id) after = id;
        if (kind === "reset") after = data.seq;
        on.event(kind, data);
      });
      const chunks = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await chunks.read();
        if (done) break;
        alive();
        read(value);
      }
    } catch (e) {
      if (e instanceof Refusal && e.status > 0 && on.refused?.(e)) return;
    } finally {
      clearTimeout(timer);
    }
    on.lost?.();
    await pause(wait);
  }
}

// reader takes pieces of an event stream (WHATWG HTML, "Server-sent events") and passes whole events on.
function reader(event) {
  let rest = "";
  let kind = "", data = "", id = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data) event(kind, JSON.parse(data), id);
        kind = data = id = "";
      } else if (line.startsWith("event: ")) kind = line.slice(7);
      else if (line.startsWith("data: ")) data += line.slice(6);
      else if (line.startsWith("id: ")) id = line.slice(4);
    }
  };
}
