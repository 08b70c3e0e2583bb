package config

import "time"

// audit reads how payments that have ended are looked at again; real as for timing.
func audit(t *table, real bool) Audit {
	defer t.done()
	least := shortest
	if !real {
		least = time.Millisecond
	}
	return Audit{
		After: growing(t, "after", []any{"1m", "5m", "30m"}, least),
		GiveBack: read(t, "give_back", "15m", func(s string) (time.Duration, error) {
			if s == "never" {
				return -1, nil
			}
			return span(least, 24*time.Hour)(s)
		}),
	}
}

// sales reads what is asked of tills.
func sales(t *table) Sales {
	defer t.done()
	return Sales{OldIDs: read(t, "old_ids", "answer", oneOf("answer", "refuse"))}
}
