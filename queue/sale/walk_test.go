package sale

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cpmd/payment"
)

var update = flag.Bool("update", false, "write the table in docs/sale.md anew")

var t0 = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// walkRules are short, so that a walk meets every limit within a few events.
func walkRules() Rules {
	return Rules{Scan: 8 * time.Second, Answer: 4 * time.Second, Poll: time.Second, Confirm: 6 * time.Second, GiveUp: 10 * time.Second,
		FollowUp: []time.Duration{5 * time.Second}, Guard: 3 * time.Second, Deliver: 3 * time.Second,
		Beside: 2 * time.Second, Apart: time.Second, Audit: []time.Duration{2 * time.Second, 4 * time.Second}, GiveBack: 5 * time.Second, CanCancel: func(pt string) bool { return pt != "805808" }}
}

var meanings = []payment.Meaning{payment.Paid, payment.Pending, payment.Declined, payment.Misconfigured, payment.Unknown, payment.Duplicate,
	payment.NotFound, payment.Undone, payment.Refused, payment.NotSent}

// eventsFor makes every event that could come to a sale, at every time that matters to it.
func eventsFor(s Sale, r Rules) []Event {
	last := s.UpdatedAt
	times := []time.Time{last.Add(time.Second)}
	consider := func(t time.Time) {
		if t.After(last) {
			times = append(times, t)
		}
	}
	consider(s.NextAt)
	consider(s.ScanBy)
	consider(s.Due())
	number := ""
	if n := len(s.Payments); n > 0 {
		p := s.Payments[n-1]
		number = p.OutTradeNo
		consider(p.ConfirmBy)
		consider(p.GiveUpBy)
		consider(p.Progress.WindowFrom.Add(r.Answer))
	}
	slices.SortFunc(times, time.Time.Compare)
	times = slices.Compact(times)
	bind := &Bind{OutTradeNo: fmt.Sprintf("N%d", len(s.Payments)+1), Code: MaskedCode{Mask: "m", Hash: fmt.Sprint(len(s.Payments))}, PayType: "800008", TxDTM: "t"}
	var all []Event
	for _, at := range times {
		all = append(all, Event{Kind: Opened, At: at}, Event{Kind: Opened, At: at, Bind: bind}, Event{Kind: Scanned, At: at, Bind: bind},
			Event{Kind: CancelAsked, At: at, By: "till"}, Event{Kind: Due, At: at}, Event{Kind: Restarted, At: at},
			Event{Kind: ClockMoved, At: at, Moved: time.Second}, Event{Kind: DeliveryConfirmed, At: at},
			Event{Kind: ScanRejected, At: at, Note: "no"}, Event{Kind: AskNow, At: at}, Event{Kind: AlarmSettled, At: at, Payment: number, Alarm: toldNotPaid},
			Event{Kind: GaveBack, At: at, Payment: number, Done: true}, Event{Kind: GaveBack, At: at, Payment: "N1"}, Event{Kind: RefundRefused, At: at, Refund: "R", Note: "no"},
			Event{Kind: Decided, At: at, Outcome: Paid, Note: "n"}, Event{Kind: Decided, At: at, Outcome: NotPaid, Note: "n"})
		if s.Refunded < s.Amount {
			all = append(all, Event{Kind: GivenBack, At: at, Amount: s.Amount / 2, Refund: "R"})
		}
		for _, m := range meanings {
			a := &payment.Answer{Meaning: m, RespCD: "x"}
			if m == payment.Declined {
				a.Confirm = 1
			}
			all = append(all, Event{Kind: Answered, At: at, Payment: number, Answer: a}, Event{Kind: CancelAnswered, At: at, Payment: number, Answer: a},
				Event{Kind: QueryAnswered, At: at, AskedAt: at, Payment: number, Query: &payment.QueryResult{Answer: *a, Searched: true}},
				Event{Kind: QueryAnswered, At: at, AskedAt: last, Payment: "N1", Query: &payment.QueryResult{Answer: *a, Searched: true}},
				Event{Kind: QueryAnswered, At: at, AskedAt: last, Payment: "other", Query: &payment.QueryResult{Answer: *a}})
			genuine := *a
			genuine.Genuine, genuine.Soft, genuine.SysSN = true, true, "S"
			if m == payment.Declined || m == payment.Paid {
				all = append(all, Event{Kind: Answered, At: at, Payment: number, Answer: &genuine},
					Event{Kind: QueryAnswered, At: at, AskedAt: at, Payment: "N1", Query: &payment.QueryResult{Answer: genuine, Listed: true}})
			}
		}
	}
	return all
}

// A footprint is what of a sale a rule can tell: sales that differ only in absolute time and in counts that no
// rule reads have the same.
type footprint struct {
	state        State
	reason       Reason
	cancelled    bool
	confirm      bool
	delivery     Delivery
	refunded     int64
	scanBy, next time.Duration
	payments     int
	rejected     string
	earlier      Payment
	last         Payment
}

func footprintOf(s Sale) footprint {
	rel := func(t time.Time) time.Duration {
		if t.IsZero() {
			return -time.Hour
		}
		return min(max(t.Sub(s.UpdatedAt), -time.Second), 12*time.Second).Round(time.Second)
	}
	f := footprint{s.State, s.Reason, s.CancelAsked, s.ConfirmDelivery, s.Delivery, s.Refunded, rel(s.ScanBy), rel(s.NextAt), len(s.Payments), s.Rejected, Payment{}, Payment{}}
	if n := len(s.Payments); n > 0 {
		f.earlier, f.last = Payment{Outcome: s.Payments[0].Outcome, Progress: Progress{Audit: s.Payments[0].Progress.Audit}}, s.Payments[n-1]
		f.earlier.Progress.Audit = auditFootprint(f.earlier.Progress.Audit, rel)
		p := &f.last
		p.Progress.Audit = auditFootprint(p.Progress.Audit, rel)
		p.AuditAt = t0.Add(rel(p.AuditAt))
		p.Progress.Quiet = min(p.Progress.Quiet, 2)
		p.Progress.Polls, p.Progress.Slow, p.RespCD, p.SentAt = 0, 0, "", t0
		p.Progress.Agreed, p.Progress.Absent, p.Progress.Paid = min(p.Progress.Agreed, 2), min(p.Progress.Absent, 2), min(p.Progress.Paid, 2)
		for _, t := range []*time.Time{&p.ConfirmBy, &p.GiveUpBy, &p.Progress.WindowFrom, &p.Progress.CancelAt, &p.Progress.QuietAt, &p.Progress.PaidAt} {
			*t = t0.Add(rel(*t))
		}
	}
	return f
}

func auditFootprint(a Audit, rel func(time.Time) time.Duration) Audit {
	a.Looks, a.Unclear, a.Backs = min(a.Looks, 2), min(a.Unclear, 1), min(a.Backs, 2)
	a.Found, a.BackAt = t0.Add(rel(a.Found).Truncate(time.Hour)), t0.Add(rel(a.BackAt))
	return a
}

// TestWalk walks the rule book from a fresh sale over every event at every time that matters, and checks each
// step. What it sees becomes the table in docs/sale.md.
func TestWalk(t *testing.T) {
	r := walkRules()
	limit := 12_000
	all := walkAll && !testing.Short()
	if !all {
		limit = 3_000
	}
	type edge struct {
		from State
		kind EventKind
	}
	leads := map[edge]map[State]bool{}
	seen := map[footprint]bool{}
	todo := []Sale{{ID: "S", Lane: "1", Amount: 100, Currency: "HKD", UpdatedAt: t0},
		{ID: "S", Lane: "1", Amount: 100, Currency: "HKD", UpdatedAt: t0, ConfirmDelivery: true}}
	for i := 0; i < len(todo) && i < limit; i++ {
		s := todo[i]
		for _, ev := range eventsFor(s, r) {
			next, effects := Reduce(r, s, ev)
			if s.State != "" {
				e := edge{s.State, ev.Kind}
				if leads[e] == nil {
					leads[e] = map[State]bool{}
				}
				leads[e][next.State] = true
			}
			if err := checkStep(s, next, ev, effects); err != nil {
				t.Fatalf("%v\n%s %s at +%v: %+v\n-> %s\nbefore %+v\nafter %+v", err, s.State, ev.Kind, ev.At.Sub(t0), ev, next.State, s, next)
			}
			if len(next.Payments) > 2 || next.State == "" {
				continue
			}
			next.UpdatedAt = ev.At
			if k := footprintOf(next); !seen[k] {
				seen[k] = true
				todo = append(todo, next)
			}
		}
	}
	for _, s := range States {
		for _, k := range EventKinds {
			if leads[edge{s, k}] == nil {
				t.Errorf("the walk never met %s in %s", k, s)
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| state | %s |\n|---|%s\n", strings.Join(asText(EventKinds), " | "), strings.Repeat("---|", len(EventKinds)))
	for _, s := range States {
		fmt.Fprintf(&b, "| `%s` |", s)
		for _, k := range EventKinds {
			var to []string
			for _, n := range States {
				if leads[edge{s, k}][n] && n != s {
					to = append(to, string(n))
				}
			}
			if len(to) == 0 {
				to = []string{"stays"}
			} else if leads[edge{s, k}][s] {
				to = append(to, "stays")
			}
			fmt.Fprintf(&b, " %s |", strings.Join(to, ", "))
		}
		b.WriteByte('\n')
	}
	if !all {
		return
	}
	checkDoc(t, "../../docs/sale.md", b.String())
}

func asText[T ~string](all []T) []string {
	out := make([]string, len(all))
	for i, v := range all {
		out[i] = string(v)
	}
	return out
}

// checkStep holds for every step of every sale.
func checkStep(s, next Sale, ev Event, effects []Effect) error {
	submits := 0
	for _, e := range effects {
		if e.Kind == SubmitPayment {
			submits++
		}
	}
	alive, paid := 0, 0
	for _, p := range next.Payments {
		switch p.Outcome {
		case Alive:
			alive++
		case OutcomePaid:
			paid++
		}
	}
	switch {
	case s.State.Final() && (next.State != s.State || next.Reason != s.Reason):
		return fmt.Errorf("a final state was left")
	case s.State.Final() && submits > 0:
		return fmt.Errorf("a final sale was submitted")
	case next.State == "" && len(next.Payments) > 0:
		return fmt.Errorf("a sale that was never opened has payments")
	case next.State != "" && !next.Done() && next.NextAt.IsZero():
		return fmt.Errorf("an unfinished sale has no timer: it would be forgotten")
	case next.State != "" && !slices.Contains(States, next.State):
		return fmt.Errorf("no such state: %s", next.State)
	case alive > 1 || paid > 1 || alive > 0 && next.State.Final():
		return fmt.Errorf("%d payments alive, %d paid in %s", alive, paid, next.State)
	case (paid == 1) != (next.State == Paid):
		return fmt.Errorf("%d paid payments in %s", paid, next.State)
	case alive == 1 && next.State == Waiting || alive == 0 && slices.Contains([]State{Paying, Confirming, Reversing, Unresolved}, next.State):
		return fmt.Errorf("%d payments alive in %s", alive, next.State)
	case (next.State == NotPaid) != (next.Reason != ""):
		return fmt.Errorf("reason %q in %s", next.Reason, next.State)
	case next.Done() && !next.NextAt.IsZero():
		return fmt.Errorf("a sale that is over has a timer")
	case (s.Delivery == Delivered || s.Delivery == Returned) && next.Delivery != s.Delivery || s.Delivery == Returning && next.Delivery == Delivered:
		return fmt.Errorf("delivery went from %s to %s", s.Delivery, next.Delivery)
	case next.Delivery == Returned && next.Refunded != next.Amount || next.Refunded > 0 && next.State != Paid:
		return fmt.Errorf("%d given back, %s, %s", next.Refunded, next.State, next.Delivery)
	case submits > 1:
		return fmt.Errorf("two submissions at once")
	}
	alarmed := slices.ContainsFunc(effects, func(e Effect) bool { return e.Kind == RaiseAlarm && e.Text != "" })
	for i, p := range next.Payments {
		was := i < len(s.Payments) && s.Payments[i].surplus()
		if p.surplus() && !was && !alarmed {
			return fmt.Errorf("money that should not be here was found and nobody was told")
		}
		if p.surplus() && p.AuditAt.IsZero() && p.Progress.Audit.Unclear < mostAudits && p.GatewayID() != "" {
			return fmt.Errorf("money that should not be here is forgotten")
		}
	}
	for _, e := range effects {
		p := next.Payment(e.Payment)
		switch {
		case e.Kind == CancelPayment && p.Progress.Success:
			return fmt.Errorf("what QFPay lists as successful is cancelled")
		case e.Kind == CancelPayment && p.Outcome == OutcomePaid:
			return fmt.Errorf("a paid payment is cancelled")
		case e.Kind == GiveBack && (p.Outcome == OutcomePaid || p.Outcome == Alive || !p.surplus()):
			return fmt.Errorf("%s money is given back by the audit", p.Outcome)
		case e.Kind == GiveBack && next.State != Paid && next.State != NotPaid:
			return fmt.Errorf("money is given back while its sale is %s", next.State)
		}
	}
	if submits == 1 {
		// A request goes out only for a payment that is new, or whose every earlier attempt surely left nothing.
		p := next.Alive()
		old := s.Payment(p.OutTradeNo)
		if old != nil && !(old.Progress.Resend && s.State == Paying) {
			return fmt.Errorf("a request was sent twice")
		}
	}
	if ev.Kind == Decided && s.State == Unresolved {
		return nil // an operator's word
	}
	if next.State == Paid && s.State != Paid {
		saysPaid := ev.Answer != nil && ev.Answer.Meaning == payment.Paid || ev.Query != nil && ev.Query.Meaning == payment.Paid
		if !saysPaid || ev.Kind == CancelAnswered {
			return fmt.Errorf("paid without QFPay saying so")
		}
	}
	if next.State == NotPaid && s.State != NotPaid && s.Alive() != nil {
		// A payment that may have left ends only by what a query shows, or by "surely not sent".
		proved := ev.Kind == QueryAnswered && slices.Contains([]payment.Meaning{payment.Undone, payment.Declined, payment.Misconfigured, payment.NotFound}, ev.Query.Meaning) ||
			ev.Kind == Answered && ev.Answer.Meaning == payment.NotSent || s.Alive().Progress.Resend
		if !proved {
			return fmt.Errorf("not_paid without a proof")
		}
	}
	return nil
}

const tableStart, tableEnd = "<!-- the table below is checked by a test: go test ./queue/sale -run TestWalk -update -->\n", "<!-- end of the table -->\n"

func checkDoc(t *testing.T, path, table string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), tableStart)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no table between its marks", path)
	}
	if old == table {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is not what the rules do; write it anew with: go test ./queue/sale -run TestWalk -update\n%s", path, table)
	}
	if err := os.WriteFile(path, []byte(before+tableStart+table+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
