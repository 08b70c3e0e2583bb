#!/usr/bin/env node
// A complete till in JavaScript (Node.js): node till.js ID AMOUNT CURRENCY [TICKET], such as T1-000123 12850 HKD 88211.
//
// It speaks HTTP over the Unix socket $CPMD_SOCKET and exits with 0 paid, 1 not paid, 2 not known.
// ID is the till's own. Write it down, on disk, before you ask: it is how you learn what came of a sale
// after a crash. Start this program again with the same arguments and it tells, without charging again.
'use strict';
const http = require('node:http');

const socketPath = process.env.CPMD_SOCKET || '/run/cpmd/till.sock';
const notOpened = ['invalid_request', 'unknown_lane', 'lane_busy', 'code_used']; // refused: nothing was charged

function ask(method, path, body) {
  return new Promise((resolve, reject) => {
    const req = http.request({ socketPath, method, path, timeout: 40000, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (part) => { text += part; });
      res.on('error', reject);
      res.on('end', () => {
        try { resolve({ status: res.statusCode, answer: JSON.parse(text) }); } catch (e) { reject(e); }
      });
    });
    req.on('timeout', () => req.destroy(new Error('no answer in time')));
    req.on('error', reject);
    if (body) req.setHeader('Content-Type', 'application/json');
    req.end(body && JSON.stringify(body));
  });
}

// collect returns 'paid', 'not_paid' or 'unknown'.
async function collect(id, amount, currency, ticket) {
  let sale = null;
  let giveUp = Date.now() + 180000;
  while (Date.now() < giveUp) {
    let status, answer;
    try {
      ({ status, answer } = sale === null
        // The same again, as often as it takes: it never opens a second sale.
        ? await ask('PUT', `/v1/sales/${id}`, { amount, currency, ticket })
        : await ask('GET', `/v1/sales/${id}?wait=25s&after=${sale.seq}`));
    } catch {
      status = 503; answer = { detail: 'No answer.' };
    }
    if (status >= 500) {
      console.log(answer.detail, 'Asking again.');
      await new Promise((done) => setTimeout(done, 1000));
      continue;
    }
    if (status >= 400) {
      console.log(answer.detail);
      return sale === null && notOpened.includes(answer.code) ? 'not_paid' : 'unknown';
    }
    giveUp = Date.now() + 180000;
    if (sale === null || answer.seq > sale.seq) console.log(answer.message);
    sale = answer;
    if (sale.final) return sale.state;
    if (sale.state === 'unresolved') return 'unknown';
  }
  return 'unknown';
}

const [id, amount, currency, ticket = ''] = process.argv.slice(2);
collect(id, Number(amount), currency, ticket).then((outcome) => {
  console.log({ paid: 'PAID', not_paid: 'NOT PAID', unknown: 'NOT KNOWN: do not charge again, ask later' }[outcome]);
  process.exitCode = { paid: 0, not_paid: 1, unknown: 2 }[outcome];
});
