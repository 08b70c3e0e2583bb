-- Whom alarms were told to: each opening and each settling, once for every way.
CREATE TABLE alarm_call (
  alarm   INTEGER NOT NULL REFERENCES alarm (seq),
  event   TEXT NOT NULL CHECK (event IN ('opened','settled')),
  via     TEXT NOT NULL CHECK (via IN ('command','webhook')),
  done_at TEXT NOT NULL,
  PRIMARY KEY (alarm, event, via)
) STRICT;

-- The books of a day, in a journal of years.
CREATE INDEX payment_by_sending ON payment (sent_at);
