-- The journal: what is not in here did not happen. Times are UTC text with microseconds, amounts minor units.
-- Rules that must never break stand here as well as in the reducer.

CREATE TABLE sale (
  id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
  lane         TEXT NOT NULL,
  ticket       TEXT NOT NULL,
  amount       INTEGER NOT NULL CHECK (amount > 0),
  currency     TEXT NOT NULL CHECK (length(currency) = 3),
  content      TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('waiting','paying','confirming','reversing','unresolved','paid','not_paid')),
  reason       TEXT NOT NULL CHECK (reason IN ('','declined','cancelled','no_scan','reversed','misconfigured','not_sent')),
  cancel_asked INTEGER NOT NULL CHECK (cancel_asked IN (0,1)),
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL,
  scan_by      TEXT NOT NULL,
  next_at      TEXT NOT NULL,
  settle       TEXT NOT NULL CHECK (settle IN ('','till')),
  delivery     TEXT NOT NULL CHECK (delivery IN ('','awaited','delivered','returning','returned')),
  slow         INTEGER NOT NULL,
  refunded     INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND amount),
  seq          INTEGER NOT NULL,
  CHECK ((state = 'not_paid') = (reason <> '')),
  CHECK (state NOT IN ('paid','not_paid') OR next_at = '' OR delivery IN ('awaited','returning')),
  CHECK (delivery = '' OR (state = 'paid' AND settle = 'till')),
  CHECK (refunded = 0 OR state = 'paid')
) STRICT;

CREATE INDEX sale_by_creation ON sale (created_at);
CREATE INDEX sale_unfinished ON sale (state) WHERE state NOT IN ('paid','not_paid') OR delivery IN ('awaited','returning');
CREATE UNIQUE INDEX one_sale_holds_a_lane ON sale (lane) WHERE state IN ('waiting','paying','confirming','reversing');
CREATE UNIQUE INDEX one_unfinished_sale_a_bill ON sale (ticket, amount, currency)
  WHERE ticket <> '' AND state NOT IN ('paid','not_paid');

-- Numbers are unique over payments and refunds together, as at QFPay.
CREATE TABLE number (out_trade_no TEXT PRIMARY KEY) STRICT;

CREATE TABLE payment (
  sale_id      TEXT NOT NULL REFERENCES sale (id),
  n            INTEGER NOT NULL CHECK (n > 0),
  out_trade_no TEXT NOT NULL UNIQUE REFERENCES number (out_trade_no),
  pay_type     TEXT NOT NULL,
  code_mask    TEXT NOT NULL,
  code_hash    TEXT NOT NULL,
  txdtm        TEXT NOT NULL,
  outcome      TEXT NOT NULL CHECK (outcome IN ('','paid','declined','reversed','not_sent','absent','misconfigured','decided')),
  sent_at      TEXT NOT NULL,
  confirm_by   TEXT NOT NULL,
  give_up_by   TEXT NOT NULL,
  syssn        TEXT NOT NULL,
  chnlsn       TEXT NOT NULL,
  respcd       TEXT NOT NULL,
  resolved     TEXT NOT NULL,
  progress     TEXT NOT NULL CHECK (json_valid(progress)),
  PRIMARY KEY (sale_id, n)
) STRICT;

CREATE UNIQUE INDEX one_payment_alive ON payment (sale_id) WHERE outcome = '';
CREATE UNIQUE INDEX one_payment_paid ON payment (sale_id) WHERE outcome = 'paid';
-- A code that surely never left may be shown again; any other is used up.
CREATE UNIQUE INDEX a_code_pays_once ON payment (code_hash) WHERE outcome <> 'not_sent';

CREATE TABLE refund (
  id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 80),
  sale_id      TEXT NOT NULL REFERENCES sale (id),
  amount       INTEGER NOT NULL CHECK (amount > 0),
  currency     TEXT NOT NULL,
  out_trade_no TEXT NOT NULL UNIQUE REFERENCES number (out_trade_no),
  paid_syssn   TEXT NOT NULL,
  txdtm        TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('refunding','refunded','not_refunded')),
  why          TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL,
  next_at      TEXT NOT NULL,
  syssn        TEXT NOT NULL,
  respcd       TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  progress     TEXT NOT NULL CHECK (json_valid(progress)),
  CHECK (state = 'refunding' OR next_at = '')
) STRICT;

CREATE INDEX refund_of_sale ON refund (sale_id);
CREATE UNIQUE INDEX one_refund_under_way ON refund (sale_id) WHERE state = 'refunding';

-- Everything that happened, in order. cause is what happened, told is what tills see (NULL where they see no change).
CREATE TABLE event (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  at      TEXT NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('sale','refund','scan','scanner')),
  subject TEXT NOT NULL,
  cause   TEXT NOT NULL CHECK (json_valid(cause)),
  told    TEXT CHECK (told IS NULL OR json_valid(told))
) STRICT;

CREATE INDEX event_of_subject ON event (subject, seq);
CREATE INDEX event_alarm ON event (seq) WHERE cause ->> 'alarm' IS NOT NULL;

CREATE TRIGGER a_final_sale_stays BEFORE UPDATE OF state, reason ON sale
WHEN OLD.state IN ('paid','not_paid') AND (NEW.state <> OLD.state OR NEW.reason <> OLD.reason)
BEGIN SELECT RAISE(ABORT, 'a final sale does not change'); END;

CREATE TRIGGER a_sale_keeps_what_was_asked BEFORE UPDATE ON sale
WHEN NEW.id <> OLD.id OR NEW.lane <> OLD.lane OR NEW.ticket <> OLD.ticket OR NEW.amount <> OLD.amount
  OR NEW.currency <> OLD.currency OR NEW.content <> OLD.content OR NEW.created_at <> OLD.created_at OR NEW.settle <> OLD.settle
BEGIN SELECT RAISE(ABORT, 'what a till asked for does not change'); END;

CREATE TRIGGER what_was_handed_over_stays BEFORE UPDATE OF delivery ON sale
WHEN OLD.delivery IN ('delivered','returned') AND NEW.delivery <> OLD.delivery
  OR OLD.delivery = 'returning' AND NEW.delivery NOT IN ('returning','returned')
BEGIN SELECT RAISE(ABORT, 'goods are handed over or the money goes back, once'); END;

-- Payments are written before their sale, so these see the payments as they will be.
CREATE TRIGGER paid_has_a_payment BEFORE UPDATE OF state ON sale
WHEN NEW.state = 'paid' AND NOT EXISTS (SELECT 1 FROM payment WHERE sale_id = NEW.id AND outcome = 'paid')
BEGIN SELECT RAISE(ABORT, 'a paid sale has a paid payment'); END;

CREATE TRIGGER not_paid_has_none BEFORE UPDATE OF state ON sale
WHEN NEW.state = 'not_paid' AND EXISTS (SELECT 1 FROM payment WHERE sale_id = NEW.id AND outcome IN ('','paid'))
BEGIN SELECT RAISE(ABORT, 'a sale that is not paid has no payment that is alive or paid'); END;

CREATE TRIGGER a_payment_keeps_its_request BEFORE UPDATE ON payment
WHEN NEW.out_trade_no <> OLD.out_trade_no OR NEW.code_hash <> OLD.code_hash OR NEW.txdtm <> OLD.txdtm
  OR NEW.pay_type <> OLD.pay_type OR NEW.sent_at <> OLD.sent_at
BEGIN SELECT RAISE(ABORT, 'what was sent does not change'); END;

-- A payment that ended stays so; only a proof that was wrong may turn it into paid.
CREATE TRIGGER an_ended_payment_stays BEFORE UPDATE OF outcome ON payment
WHEN OLD.outcome <> '' AND NEW.outcome <> OLD.outcome AND NOT (OLD.outcome <> 'paid' AND NEW.outcome = 'paid')
BEGIN SELECT RAISE(ABORT, 'an ended payment does not change'); END;

CREATE TRIGGER a_final_refund_stays BEFORE UPDATE OF state ON refund
WHEN OLD.state <> 'refunding' AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'a final refund does not change'); END;

CREATE TRIGGER refunds_stay_within_the_sale BEFORE INSERT ON refund
WHEN (SELECT state FROM sale WHERE id = NEW.sale_id) <> 'paid'
  OR NEW.amount + (SELECT coalesce(sum(amount),0) FROM refund WHERE sale_id = NEW.sale_id AND state <> 'not_refunded')
     > (SELECT amount FROM sale WHERE id = NEW.sale_id)
BEGIN SELECT RAISE(ABORT, 'refunds never exceed what was paid'); END;

CREATE TRIGGER sales_are_kept BEFORE DELETE ON sale BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER payments_are_kept BEFORE DELETE ON payment BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER refunds_are_kept BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER events_are_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER events_stay BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
