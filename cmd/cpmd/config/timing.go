package config

import "time"

// Bounds that catch a slip of the unit. Against a simulator on this machine anything goes.
const (
	shortest = 100 * time.Millisecond
	longest  = time.Hour
	// A payment request that is given up sooner than this is often still under way at the wallet. The answer
	// window is also what makes an empty query mean something, so a short one on a real gateway could call a
	// payment dead that is about to be made.
	shortestAnswer = 10 * time.Second
)

// timing reads the waiting times; real: the gateway is not a simulator on this machine.
func timing(t *table, real bool) Timing {
	defer t.done()
	least := shortest
	if !real {
		least = time.Millisecond
	}
	wait := span(least, longest)
	g := Timing{
		Scan:     read(t, "scan", "60s", wait),
		Answer:   read(t, "answer", "40s", wait),
		Poll:     read(t, "poll", "2s", wait),
		Confirm:  read(t, "confirm", "60s", wait),
		GiveUp:   read(t, "give_up", "120s", wait),
		Deliver:  read(t, "deliver", "120s", wait),
		FollowUp: growing(t, followUpKey(t), []any{"1m", "5m", "15m", "1h"}, least),
		DayEnd:   read(t, "day_end", "03:30", timeOfDay),
	}
	if real { // a rehearsal is only warned, by Check
		g.checkOrder(t.fault)
	}
	if real && g.Answer > 0 && g.Answer < shortestAnswer {
		t.fault("answer", "%s is too short for a real gateway: a payment still under way would be taken for lost; write %s or more (40s is advised)",
			short(g.Answer), short(shortestAnswer))
	}
	return g
}

// followUpKey is the key that the file uses for the pace of queries about unresolved sales: it was called reconcile first.
func followUpKey(t *table) string {
	if _, old := t.values["reconcile"]; !old {
		return "follow_up"
	}
	if _, both := t.values["follow_up"]; both {
		t.knows("reconcile", "")
		t.fault("reconcile", "is the old name of follow_up, which is there too; remove it")
		return "follow_up"
	}
	t.outdated("reconcile", "is called follow_up now; rename it (reconciliation is comparing a day's books)")
	return "reconcile"
}

// growing reads times in growing order, at least one.
func growing(t *table, key string, def []any, least time.Duration) []time.Duration {
	return read(t, key, def, func(list []any) (all []time.Duration, err error) {
		for _, e := range list {
			s, ok := e.(string)
			if !ok {
				return nil, todo(`holds %s; write times in quotes, such as ["1m", "5m"]`, kind(e))
			}
			d, err := span(least, 24*time.Hour)(s)
			if err != nil {
				return nil, err
			}
			if n := len(all); n > 0 && d < all[n-1] {
				return nil, todo("%q comes after %q; write the times in growing order", short(d), short(all[n-1]))
			}
			all = append(all, d)
		}
		if len(all) == 0 {
			return nil, todo(`is empty; write at least one time, such as ["1m"]`)
		}
		return all, nil
	})
}

// timeOfDay reads HH:MM as the time since midnight; midnight itself is a moment after it.
func timeOfDay(s string) (time.Duration, error) {
	if s == "never" {
		return 0, nil
	}
	at, err := time.Parse("15:04", s)
	if err != nil {
		return 0, todo(`%q is not a time of day; write it like "03:30", or "never"`, s)
	}
	return max(time.Duration(at.Hour())*time.Hour+time.Duration(at.Minute())*time.Minute, 1), nil
}

// checkOrder reports what would act on a payment before anything can be known about it. Times that are zero have a
// fault already.
func (g Timing) checkOrder(say func(key, format string, args ...any)) {
	known := func(a, b time.Duration) bool { return a > 0 && b > 0 }
	if known(g.Answer, g.Confirm) && g.Confirm < g.Answer {
		say("confirm", "%s is shorter than answer (%s): the cancel could overtake the payment it cancels and prove nothing, and the customer could still be charged; write %s or more",
			short(g.Confirm), short(g.Answer), short(g.Answer))
	}
	if known(g.Poll, g.Confirm) && g.Poll >= g.Confirm {
		say("poll", "%s is not shorter than confirm (%s): a payment would be cancelled without being queried once; write less, such as 2s",
			short(g.Poll), short(g.Confirm))
	}
	if known(g.Confirm, g.GiveUp) && g.GiveUp <= g.Confirm {
		say("give_up", "%s is not longer than confirm (%s): the cashier would be sent away before the cancel attempt; write more than %s",
			short(g.GiveUp), short(g.Confirm), short(g.Confirm))
	}
}
