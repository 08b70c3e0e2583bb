-- Who asked and what a till says of a sale; the audit of what has ended; alarms that stand until somebody settles them.

ALTER TABLE sale ADD COLUMN opened_by TEXT NOT NULL DEFAULT '';
ALTER TABLE sale ADD COLUMN operator  TEXT NOT NULL DEFAULT '';
ALTER TABLE sale ADD COLUMN shift     TEXT NOT NULL DEFAULT '';
ALTER TABLE sale ADD COLUMN metadata  TEXT NOT NULL DEFAULT '' CHECK (metadata = '' OR json_valid(metadata));
ALTER TABLE sale ADD COLUMN rejected  TEXT NOT NULL DEFAULT '';
ALTER TABLE sale ADD COLUMN ended_at  TEXT NOT NULL DEFAULT '';
UPDATE sale SET ended_at = updated_at WHERE state IN ('paid','not_paid');

CREATE INDEX sale_by_end ON sale (ended_at) WHERE ended_at <> '';
CREATE INDEX sale_by_ticket ON sale (ticket, created_at) WHERE ticket <> '';

DROP TRIGGER a_sale_keeps_what_was_asked;
CREATE TRIGGER a_sale_keeps_what_was_asked BEFORE UPDATE ON sale
WHEN NEW.id <> OLD.id OR NEW.lane <> OLD.lane OR NEW.ticket <> OLD.ticket OR NEW.amount <> OLD.amount
  OR NEW.currency <> OLD.currency OR NEW.content <> OLD.content OR NEW.created_at <> OLD.created_at OR NEW.settle <> OLD.settle
  OR NEW.opened_by <> OLD.opened_by OR NEW.operator <> OLD.operator OR NEW.shift <> OLD.shift OR NEW.metadata <> OLD.metadata
BEGIN SELECT RAISE(ABORT, 'what a till asked for does not change'); END;

-- The day a sale counts in is the day of its end, so that a day that is over stays as it was.
CREATE TRIGGER an_end_stays BEFORE UPDATE OF ended_at ON sale
WHEN OLD.ended_at <> '' AND NEW.ended_at <> OLD.ended_at
BEGIN SELECT RAISE(ABORT, 'the day of a sale does not change'); END;

CREATE TRIGGER an_end_has_a_time BEFORE UPDATE OF state ON sale
WHEN (NEW.state IN ('paid','not_paid')) <> (NEW.ended_at <> '')
BEGIN SELECT RAISE(ABORT, 'a sale has an end exactly when it is final'); END;

ALTER TABLE payment ADD COLUMN audit_at TEXT NOT NULL DEFAULT '';
CREATE INDEX payment_to_audit ON payment (audit_at) WHERE audit_at <> '';

CREATE TRIGGER only_what_has_ended_is_audited BEFORE UPDATE OF audit_at ON payment
WHEN NEW.audit_at <> '' AND NEW.outcome = ''
BEGIN SELECT RAISE(ABORT, 'only a payment that has ended is audited'); END;

-- Refunds may be unresolved, tell who asked, and give back what the audit found.
CREATE TABLE refund_new (
  id           TEXT PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 80),
  sale_id      TEXT NOT NULL REFERENCES sale (id),
  amount       INTEGER NOT NULL CHECK (amount > 0),
  currency     TEXT NOT NULL CHECK (length(currency) = 3),
  out_trade_no TEXT NOT NULL UNIQUE REFERENCES number (out_trade_no),
  payment      TEXT NOT NULL,
  paid_syssn   TEXT NOT NULL,
  give_back    INTEGER NOT NULL CHECK (give_back IN (0,1)),
  asked_by     TEXT NOT NULL,
  txdtm        TEXT NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('refunding','unresolved','refunded','not_refunded')),
  why          TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  updated_at   TEXT NOT NULL,
  ended_at     TEXT NOT NULL,
  next_at      TEXT NOT NULL,
  syssn        TEXT NOT NULL,
  respcd       TEXT NOT NULL,
  seq          INTEGER NOT NULL,
  progress     TEXT NOT NULL CHECK (json_valid(progress)),
  CHECK ((state IN ('refunded','not_refunded')) = (ended_at <> ''))
) STRICT;

INSERT INTO refund_new (id, sale_id, amount, currency, out_trade_no, payment, paid_syssn, give_back, asked_by, txdtm, state, why,
    created_at, updated_at, ended_at, next_at, syssn, respcd, seq, progress)
  SELECT f.id, f.sale_id, f.amount, f.currency, f.out_trade_no,
    coalesce((SELECT p.out_trade_no FROM payment p WHERE p.sale_id = f.sale_id AND p.outcome = 'paid'), ''), f.paid_syssn, 0, '', f.txdtm,
    f.state, f.why, f.created_at, f.updated_at, iif(f.state = 'refunding', '', f.updated_at), f.next_at, f.syssn, f.respcd, f.seq, f.progress
  FROM refund f ORDER BY f.rowid;
DROP TABLE refund;
ALTER TABLE refund_new RENAME TO refund;

CREATE INDEX refund_of_sale ON refund (sale_id);
CREATE INDEX refund_by_end ON refund (ended_at) WHERE ended_at <> '';
CREATE INDEX refund_to_follow ON refund (next_at) WHERE next_at <> '';
CREATE UNIQUE INDEX one_refund_under_way ON refund (sale_id) WHERE state IN ('refunding','unresolved') AND give_back = 0;
CREATE UNIQUE INDEX one_give_back_under_way ON refund (payment) WHERE state IN ('refunding','unresolved') AND give_back = 1;

CREATE TRIGGER a_final_refund_stays BEFORE UPDATE OF state, ended_at ON refund
WHEN OLD.state IN ('refunded','not_refunded') AND (NEW.state <> OLD.state OR NEW.ended_at <> OLD.ended_at)
BEGIN SELECT RAISE(ABORT, 'a final refund does not change'); END;

CREATE TRIGGER a_refund_keeps_its_request BEFORE UPDATE ON refund
WHEN NEW.id <> OLD.id OR NEW.sale_id <> OLD.sale_id OR NEW.amount <> OLD.amount OR NEW.out_trade_no <> OLD.out_trade_no
  OR NEW.payment <> OLD.payment OR NEW.paid_syssn <> OLD.paid_syssn OR NEW.txdtm <> OLD.txdtm OR NEW.give_back <> OLD.give_back
BEGIN SELECT RAISE(ABORT, 'what was sent does not change'); END;

CREATE TRIGGER refunds_stay_within_the_sale BEFORE INSERT ON refund
WHEN NEW.give_back = 0 AND ((SELECT state FROM sale WHERE id = NEW.sale_id) <> 'paid'
  OR NEW.amount + (SELECT coalesce(sum(amount),0) FROM refund WHERE sale_id = NEW.sale_id AND give_back = 0 AND state <> 'not_refunded')
     > (SELECT amount FROM sale WHERE id = NEW.sale_id))
BEGIN SELECT RAISE(ABORT, 'refunds never exceed what was paid'); END;

CREATE TRIGGER what_counts_is_not_given_back BEFORE INSERT ON refund
WHEN NEW.give_back = 1 AND (NOT EXISTS (SELECT 1 FROM payment WHERE out_trade_no = NEW.payment AND sale_id = NEW.sale_id AND outcome NOT IN ('','paid'))
  OR NEW.amount + (SELECT coalesce(sum(amount),0) FROM refund WHERE payment = NEW.payment AND give_back = 1 AND state <> 'not_refunded')
     > (SELECT amount FROM sale WHERE id = NEW.sale_id))
BEGIN SELECT RAISE(ABORT, 'only surplus money is given back, once'); END;

CREATE TRIGGER refunds_are_kept BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

-- Events may be alarms now.
CREATE TABLE event_new (
  seq     INTEGER PRIMARY KEY AUTOINCREMENT,
  at      TEXT NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('sale','refund','scan','scanner','alarm')),
  subject TEXT NOT NULL,
  cause   TEXT NOT NULL CHECK (json_valid(cause)),
  told    TEXT CHECK (told IS NULL OR json_valid(told))
) STRICT;
INSERT INTO event_new SELECT seq, at, kind, subject, cause, told FROM event ORDER BY seq;
DROP TABLE event;
ALTER TABLE event_new RENAME TO event;
CREATE INDEX event_of_subject ON event (subject, seq);
CREATE TRIGGER events_are_kept BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER events_stay BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

CREATE TABLE alarm (
  seq        INTEGER PRIMARY KEY REFERENCES event (seq),
  at         TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('sale','refund','day')),
  subject    TEXT NOT NULL,
  payment    TEXT NOT NULL,
  what       TEXT NOT NULL CHECK (what <> ''),
  settled_at TEXT NOT NULL,
  settled_by TEXT NOT NULL,
  note       TEXT NOT NULL,
  CHECK ((settled_at = '') = (note = ''))
) STRICT;
INSERT INTO alarm (seq, at, kind, subject, payment, what, settled_at, settled_by, note)
  SELECT max(seq), at, kind, subject, coalesce(cause ->> 'payment', ''), cause ->> 'alarm', '', '', ''
  FROM event WHERE cause ->> 'alarm' IS NOT NULL AND kind IN ('sale','refund') GROUP BY subject, cause ->> 'alarm';

CREATE UNIQUE INDEX an_alarm_stands_once ON alarm (subject, what) WHERE settled_at = '';
CREATE TRIGGER alarms_are_kept BEFORE DELETE ON alarm BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER an_alarm_says_the_same BEFORE UPDATE ON alarm
WHEN NEW.seq <> OLD.seq OR NEW.at <> OLD.at OR NEW.kind <> OLD.kind OR NEW.subject <> OLD.subject OR NEW.payment <> OLD.payment
  OR NEW.what <> OLD.what OR OLD.settled_at <> ''
BEGIN SELECT RAISE(ABORT, 'an alarm is settled once and says the same for ever'); END;

-- The last comparison of each day with QFPay's list.
CREATE TABLE reconciliation (
  day    TEXT PRIMARY KEY CHECK (length(day) = 10),
  at     TEXT NOT NULL,
  clean  INTEGER NOT NULL CHECK (clean IN (0,1)),
  result TEXT NOT NULL CHECK (json_valid(result))
) STRICT;
