-- Old months move to files beside the journal (archive.go says how). What must never be taken again stays here: the ids of
-- sales and refunds, numbers, and codes.

CREATE TABLE archive (
  n       INTEGER PRIMARY KEY,
  name    TEXT NOT NULL UNIQUE,
  from_at TEXT NOT NULL,
  to_at   TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
  done    INTEGER NOT NULL CHECK (done IN (0,1))
) STRICT;

-- A part is some sales that are compressed together. No time of theirs is before first or after last.
CREATE TABLE archive_part (
  n       INTEGER PRIMARY KEY,
  archive INTEGER NOT NULL REFERENCES archive (n),
  at      INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  sha256  TEXT NOT NULL CHECK (length(sha256) = 64),
  first   TEXT NOT NULL,
  last    TEXT NOT NULL,
  UNIQUE (archive, at)
) STRICT;
CREATE INDEX archive_part_by_time ON archive_part (last, first);

-- Where everything that was moved is. back: it is in the journal again, because something was still to be done.
CREATE TABLE archived (
  kind TEXT NOT NULL CHECK (kind IN ('sale','refund','number','code')),
  key  TEXT NOT NULL,
  sale TEXT NOT NULL,
  part INTEGER NOT NULL REFERENCES archive_part (n),
  back INTEGER NOT NULL CHECK (back IN (0,1)),
  PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;

-- The files themselves, in a backup; the first start on one puts them beside it.
CREATE TABLE archive_file (
  name    TEXT PRIMARY KEY,
  content BLOB NOT NULL
) STRICT;

CREATE INDEX event_of_lane ON event (at) WHERE kind IN ('scan','scanner');

CREATE TRIGGER only_what_is_over_is_archived BEFORE INSERT ON archived
WHEN NEW.kind = 'sale' AND (NOT EXISTS (SELECT 1 FROM sale WHERE id = NEW.key AND state IN ('paid','not_paid') AND next_at = ''
    AND delivery NOT IN ('awaited','returning'))
  OR EXISTS (SELECT 1 FROM payment WHERE sale_id = NEW.key AND (outcome = '' OR audit_at <> ''))
  OR EXISTS (SELECT 1 FROM refund WHERE sale_id = NEW.key AND (ended_at = '' OR next_at <> ''))
  OR EXISTS (SELECT 1 FROM alarm a WHERE a.settled_at = '' AND (a.subject = NEW.key
    OR EXISTS (SELECT 1 FROM payment WHERE sale_id = NEW.key AND out_trade_no = a.payment)
    OR EXISTS (SELECT 1 FROM refund WHERE sale_id = NEW.key AND (id = a.subject OR out_trade_no = a.payment)))))
BEGIN SELECT RAISE(ABORT, 'only what is over is archived'); END;

CREATE TRIGGER an_archived_sale_is_known BEFORE INSERT ON sale
WHEN EXISTS (SELECT 1 FROM archived WHERE kind = 'sale' AND key = NEW.id AND back = 0)
BEGIN SELECT RAISE(ABORT, 'a sale with this id is archived'); END;

CREATE TRIGGER an_archived_refund_is_known BEFORE INSERT ON refund
WHEN EXISTS (SELECT 1 FROM archived WHERE kind = 'refund' AND key = NEW.id AND back = 0)
BEGIN SELECT RAISE(ABORT, 'a refund with this id is archived'); END;

CREATE TRIGGER an_archived_code_is_used BEFORE INSERT ON payment
WHEN EXISTS (SELECT 1 FROM archived WHERE kind = 'code' AND key = NEW.code_hash AND back = 0)
BEGIN SELECT RAISE(ABORT, 'a code pays once'); END;

-- Nothing leaves the journal but what is archived, and never its newest event, which tells where it ends.
DROP TRIGGER sales_are_kept;
CREATE TRIGGER sales_are_kept BEFORE DELETE ON sale
WHEN NOT EXISTS (SELECT 1 FROM archived WHERE kind = 'sale' AND key = OLD.id AND back = 0)
BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

DROP TRIGGER payments_are_kept;
CREATE TRIGGER payments_are_kept BEFORE DELETE ON payment
WHEN NOT EXISTS (SELECT 1 FROM archived WHERE kind = 'sale' AND key = OLD.sale_id AND back = 0)
BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

DROP TRIGGER refunds_are_kept;
CREATE TRIGGER refunds_are_kept BEFORE DELETE ON refund
WHEN NOT EXISTS (SELECT 1 FROM archived WHERE kind = 'refund' AND key = OLD.id AND back = 0)
BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

DROP TRIGGER events_are_kept;
CREATE TRIGGER events_are_kept BEFORE DELETE ON event
WHEN OLD.seq = (SELECT max(seq) FROM event)
  OR NOT EXISTS (SELECT 1 FROM archived WHERE kind = OLD.kind AND key = OLD.subject AND back = 0)
  AND NOT (OLD.kind IN ('scan','scanner') AND EXISTS (SELECT 1 FROM archive WHERE done = 0 AND from_at <= OLD.at AND OLD.at < to_at))
BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;

CREATE TRIGGER archives_are_kept BEFORE DELETE ON archive BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER archive_parts_are_kept BEFORE DELETE ON archive_part BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER archived_is_kept BEFORE DELETE ON archived BEGIN SELECT RAISE(ABORT, 'the journal forgets nothing'); END;
CREATE TRIGGER archives_stay BEFORE UPDATE ON archive
WHEN NEW.name <> OLD.name OR NEW.sha256 <> OLD.sha256
BEGIN SELECT RAISE(ABORT, 'an archive does not change'); END;
CREATE TRIGGER archive_parts_stay BEFORE UPDATE ON archive_part BEGIN SELECT RAISE(ABORT, 'an archive does not change'); END;
