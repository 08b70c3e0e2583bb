package journal

import "time"

// stamp is how times are written: sortable text that support can read.
const stamp = "2006-01-02T15:04:05.000000Z"

func toText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stamp)
}

func fromText(s string) time.Time {
	t, err := time.Parse(stamp, s)
	if err != nil {
		return time.Time{}
	}
	return t
}
