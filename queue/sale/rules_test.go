package sale

import (
	"slices"
	"testing"
	"time"

	"cpmd/payment"
)

// A life is one sale under test, at a time of its own.
type life struct {
	*testing.T
	Rules
	s       Sale
	at      time.Time
	effects []Effect // of the last step
}

func begin(t *testing.T) *life {
	l := &life{T: t, Rules: DefaultRules(), at: t0, s: Sale{ID: "S", Lane: "1", Amount: 100, Currency: "HKD"}}
	l.step(Event{Kind: Opened})
	l.pay("N1")
	return l
}

// step lets an event happen now.
func (l *life) step(ev Event) {
	ev.At = l.at
	if ev.AskedAt.IsZero() {
		ev.AskedAt = l.at
	}
	l.s, l.effects = Reduce(l.Rules, l.s, ev)
}

func (l *life) pay(number string) {
	l.Helper()
	l.step(Event{Kind: Scanned, Bind: &Bind{OutTradeNo: number, Code: MaskedCode{Hash: number}, PayType: "800108", TxDTM: "t"}})
	l.does(SubmitPayment)
}

func (l *life) answer(number string, a payment.Answer) {
	l.step(Event{Kind: Answered, Payment: number, Answer: &a})
}

func (l *life) cancelled(a payment.Answer) {
	l.step(Event{Kind: CancelAnswered, Payment: "N1", Answer: &a})
}

// shows is a query that was asked just now.
func (l *life) shows(number string, f payment.QueryResult) {
	l.step(Event{Kind: QueryAnswered, Payment: number, Query: &f})
}

func (l *life) pass(d time.Duration) { l.at = l.at.Add(d) }

func (l *life) is(want State) {
	l.Helper()
	if l.s.State != want {
		l.Fatalf("the sale is %s %s, want %s: %+v", l.s.State, l.s.Reason, want, l.s.Payments)
	}
}

// does wants exactly these effects, alarms aside.
func (l *life) does(want ...EffectKind) {
	l.Helper()
	var got []EffectKind
	for _, e := range l.effects {
		if e.Kind != RaiseAlarm {
			got = append(got, e.Kind)
		}
	}
	if !slices.Equal(got, want) {
		l.Fatalf("it does %v, want %v", got, want)
	}
}

func (l *life) alarmed(want bool) {
	l.Helper()
	if got := slices.ContainsFunc(l.effects, func(e Effect) bool { return e.Kind == RaiseAlarm }); got != want {
		l.Fatalf("alarm: %v, want %v", got, want)
	}
}

func says(m payment.Meaning) payment.Answer { return payment.Answer{Meaning: m, RespCD: "x"} }

func listed(m payment.Meaning) payment.QueryResult {
	return payment.QueryResult{Answer: payment.Answer{Meaning: m, RespCD: "x", SysSN: "S1"}, Listed: true}
}

var (
	nothing = payment.QueryResult{Answer: payment.Answer{Meaning: payment.NotFound}, Searched: true}
	signed  = payment.Answer{Meaning: payment.Declined, RespCD: "1201", Confirm: 1, Genuine: true}
)

// A genuine decline takes two queries without contradiction, at least Apart from each other.
func TestDeclineNeedsTwoQuietQueries(t *testing.T) {
	for _, c := range []struct {
		name string
		a    payment.Answer
		gaps []time.Duration // between queries
		want State
	}{
		{"one", signed, nil, Confirming},
		{"two, apart", signed, []time.Duration{3 * time.Second}, Waiting},
		{"two, too close", signed, []time.Duration{3*time.Second - 1}, Confirming},
		{"close, then apart", signed, []time.Duration{time.Second, 2 * time.Second}, Waiting},
		{"not signed", payment.Answer{Meaning: payment.Declined, RespCD: "1201", Confirm: 1}, []time.Duration{3 * time.Second, 3 * time.Second}, Confirming},
		{"HTTP 429: two", payment.Answer{Meaning: payment.Unknown, Throttled: true}, []time.Duration{3 * time.Second}, Confirming},
		{"HTTP 429: three", payment.Answer{Meaning: payment.Unknown, Throttled: true}, []time.Duration{3 * time.Second, 3 * time.Second}, Waiting},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := begin(t)
			l.answer("N1", c.a)
			l.shows("N1", nothing)
			for _, gap := range c.gaps {
				l.pass(gap)
				l.shows("N1", nothing)
			}
			l.is(c.want)
		})
	}
}

// A contradiction, or an item that is not understood, ends what quiet queries had begun to prove.
func TestContradictionStartsAnew(t *testing.T) {
	for _, f := range []payment.QueryResult{listed(payment.Unknown), listed(payment.Pending), listed(payment.Paid)} {
		l := begin(t)
		l.answer("N1", signed)
		l.shows("N1", nothing)
		l.pass(3 * time.Second)
		l.shows("N1", f)
		l.pass(3 * time.Second)
		l.shows("N1", nothing)
		if l.s.State == Waiting || l.s.State == NotPaid {
			t.Errorf("%s: %s", f.Meaning, l.s.State)
		}
	}
}

// An empty list proves nothing before the window, and then twice.
func TestEmptyLists(t *testing.T) {
	window := DefaultRules().Confirm
	for _, c := range []struct {
		name  string
		asked []time.Duration // after it was sent
		f     payment.QueryResult
		want  State
	}{
		{"before the window", []time.Duration{window - 2, window - 1}, nothing, Confirming},
		{"once", []time.Duration{window}, nothing, Confirming},
		{"twice", []time.Duration{window, window + time.Second}, nothing, Waiting},
		{"one too early", []time.Duration{window - 1, window}, nothing, Confirming},
		{"not searched", []time.Duration{window, window + 1}, payment.QueryResult{Answer: nothing.Answer}, Confirming},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := begin(t)
			l.Scan = time.Hour
			l.s.ScanBy = t0.Add(time.Hour)
			l.CanCancel = func(string) bool { return false }
			l.answer("N1", says(payment.Unknown))
			for _, after := range c.asked {
				l.at = t0.Add(after)
				l.shows("N1", c.f)
			}
			l.is(c.want)
		})
	}
}

// "Paid" is believed at once without a cancellation, and with one that came too late; not while one may take effect.
func TestPaidDuringACancellation(t *testing.T) {
	begun := func(t *testing.T) *life {
		l := begin(t)
		l.answer("N1", says(payment.Pending))
		l.step(Event{Kind: CancelAsked})
		l.does(CancelPayment)
		l.is(Reversing)
		return l
	}
	t.Run("no cancellation", func(t *testing.T) {
		l := begin(t)
		l.answer("N1", says(payment.Unknown))
		l.shows("N1", listed(payment.Paid))
		l.is(Paid)
	})
	t.Run("sent", func(t *testing.T) {
		l := begun(t)
		l.shows("N1", listed(payment.Paid))
		l.is(Reversing)
	})
	t.Run("too late", func(t *testing.T) {
		l := begun(t)
		l.cancelled(payment.Answer{Meaning: payment.Refused, RespCD: payment.AlreadyPaid})
		l.does(QueryPayment)
		l.shows("N1", listed(payment.Paid))
		l.is(Paid)
	})
	t.Run("refused", func(t *testing.T) {
		l := begun(t)
		l.cancelled(says(payment.Refused))
		l.shows("N1", listed(payment.Paid))
		l.is(Reversing)
		l.pass(3*time.Second - 1)
		l.shows("N1", listed(payment.Paid))
		l.is(Reversing)
		l.pass(1)
		l.shows("N1", listed(payment.Paid))
		l.is(Paid)
	})
	for _, m := range []payment.Meaning{payment.Undone, payment.Unknown} {
		t.Run("answered "+string(m), func(t *testing.T) {
			l := begun(t)
			l.cancelled(says(m))
			l.pass(l.Answer - 1)
			l.shows("N1", listed(payment.Paid))
			l.pass(1)
			l.shows("N1", listed(payment.Paid))
			if l.s.State == Paid {
				t.Fatal("believed by one look after the window")
			}
			l.pass(l.Apart)
			l.shows("N1", listed(payment.Paid))
			l.is(Paid)
			if l.s.Payments[0].AuditAt.IsZero() {
				t.Error("nobody looks again")
			}
		})
	}
	t.Run("the answer to the payment", func(t *testing.T) {
		l := begin(t)
		l.shows("N1", listed(payment.Pending))
		l.step(Event{Kind: CancelAsked})
		l.does(CancelPayment)
		l.answer("N1", says(payment.Paid))
		if l.s.State == Paid {
			t.Fatal("believed while the cancellation is under way")
		}
	})
	t.Run("a second cancellation", func(t *testing.T) {
		l := begun(t)
		l.cancelled(says(payment.Unknown))
		l.pass(l.Answer)
		l.shows("N1", listed(payment.Pending))
		l.does(CancelPayment)
		l.cancelled(says(payment.Refused))
		l.shows("N1", listed(payment.Paid))
		l.pass(l.Apart)
		l.shows("N1", listed(payment.Paid))
		if l.s.State == Paid {
			t.Error("the first cancellation is forgotten")
		}
	})
}

// What QFPay ever listed as successful is never cancelled, and what may still be on its way is not.
func TestWhatIsCancelled(t *testing.T) {
	odd := listed(payment.Unknown)
	odd.Success = true
	for _, c := range []struct {
		name     string
		inFlight bool
		f        payment.QueryResult
		want     []EffectKind
	}{
		{"pending", false, listed(payment.Pending), []EffectKind{CancelPayment}},
		{"pending, its request under way", true, listed(payment.Pending), []EffectKind{CancelPayment}},
		{"listed, not understood", true, listed(payment.Unknown), []EffectKind{CancelPayment}},
		{"successful, not understood", false, odd, nil},
		{"not there, its request under way", true, nothing, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := begin(t)
			if c.inFlight {
				l.step(Event{Kind: CancelAsked})
				l.shows("N1", c.f)
			} else {
				l.answer("N1", says(payment.Unknown))
				l.shows("N1", c.f)
				l.step(Event{Kind: CancelAsked})
			}
			l.does(c.want...)
		})
	}
}

// An order is cancelled a few times only while the cashier waits.
func TestCancellationsEnd(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	sent := 1
	for range 20 {
		l.cancelled(says(payment.Refused))
		l.pass(l.Confirm / 4)
		l.s.Payments[0].GiveUpBy = l.at.Add(time.Hour)
		l.shows("N1", listed(payment.Pending))
		for _, e := range l.effects {
			if e.Kind == CancelPayment {
				sent++
			}
		}
	}
	if sent != maxQuickCancels {
		t.Errorf("%d cancellations", sent)
	}
	l.s.State = Unresolved
	for range 40 {
		l.shows("N1", listed(payment.Pending))
		for _, e := range l.effects {
			if e.Kind == CancelPayment {
				sent++
			}
		}
		l.cancelled(says(payment.Refused))
		l.pass(time.Hour)
	}
	if sent != maxCancels {
		t.Errorf("%d cancellations in all", sent)
	}
}

// A refused cancellation is not repeated within a quarter of the confirm time: some wallets refuse the first seconds.
func TestRefusedCancellationRests(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.step(Event{Kind: CancelAsked})
	l.cancelled(says(payment.Refused))
	l.pass(l.Confirm/4 - 1)
	l.shows("N1", listed(payment.Pending))
	l.does()
	l.pass(1)
	l.shows("N1", listed(payment.Pending))
	l.does(CancelPayment)
}

// Where the customer may still complete what was declined, the order is closed before another code is taken.
func TestSoftDeclineIsClosed(t *testing.T) {
	soft := signed
	soft.Soft = true
	l := begin(t)
	l.answer("N1", soft)
	l.shows("N1", nothing)
	l.pass(3 * time.Second)
	l.shows("N1", nothing)
	l.does(CancelPayment)
	l.is(Confirming)
	l.cancelled(says(payment.Undone))
	l.shows("N1", listed(payment.Undone))
	l.is(Waiting)
	if o := l.s.Payments[0].Outcome; o != OutcomeDeclined {
		t.Errorf("the payment is %s", o)
	}
}

// A payment that surely left nothing is sent again with its number, three times at most, and not late.
func TestSendingAgain(t *testing.T) {
	l := begin(t)
	for range maxSends - 1 {
		l.answer("N1", says(payment.NotSent))
		l.is(Paying)
		l.does()
		l.pass(2 * time.Second)
		l.step(Event{Kind: Due})
		l.does(SubmitPayment)
	}
	l.answer("N1", says(payment.NotSent))
	l.is(NotPaid)
	if l.s.Reason != NotSent {
		t.Errorf("reason %s", l.s.Reason)
	}

	l = begin(t)
	l.answer("N1", says(payment.NotSent))
	l.pass(l.Confirm)
	l.step(Event{Kind: Due})
	l.does()
	if l.s.Payments[0].Outcome != OutcomeNotSent {
		t.Errorf("sent late: %+v", l.s.Payments)
	}
}

// What may have left is never sent again, whatever its answer.
func TestNeverSentTwice(t *testing.T) {
	for _, m := range meanings {
		if m == payment.NotSent {
			continue
		}
		l := begin(t)
		l.answer("N1", says(m))
		for range 200 {
			if slices.ContainsFunc(l.effects, func(e Effect) bool { return e.Kind == SubmitPayment }) {
				t.Fatalf("%s: sent again", m)
			}
			l.pass(time.Second)
			l.step(Event{Kind: Due})
		}
	}
}

// What an answer says decides how soon QFPay is asked: at once where it must be confirmed, else at the poll's pace.
func TestAnswersAreFollowed(t *testing.T) {
	for _, c := range []struct {
		a        payment.Answer
		asks     bool
		from, to time.Duration // until it is asked otherwise
	}{
		{says(payment.Unknown), false, time.Second, 1100 * time.Millisecond},
		{says(payment.Duplicate), false, time.Second, 1100 * time.Millisecond},
		{says(payment.Pending), false, 2 * time.Second, 2200 * time.Millisecond},
		{says(payment.Declined), true, 0, 0},
		{says(payment.Misconfigured), true, 0, 0},
		{says(payment.NotFound), true, 0, 0},
	} {
		l := begin(t)
		l.answer("N1", c.a)
		l.is(Confirming)
		if c.asks {
			l.does(QueryPayment)
			continue
		}
		l.does()
		if d := l.s.NextAt.Sub(l.at); d < c.from || d > c.to {
			t.Errorf("%s: asked after %v", c.a.Meaning, d)
		}
	}
}

// A payment that was asked for beside its request may still prove never sent, unless QFPay knows it.
func TestNotSentAfterAskingBeside(t *testing.T) {
	for _, known := range []bool{false, true} {
		l := begin(t)
		l.pass(l.Beside)
		l.step(Event{Kind: Due})
		l.does(QueryPayment)
		l.is(Confirming)
		if known {
			l.shows("N1", listed(payment.Pending))
		}
		l.answer("N1", says(payment.NotSent))
		if again := l.s.Payments[0].Progress.Resend; again == known {
			t.Errorf("known %v: sent again %v", known, again)
		}
	}
}

// The customer is given up on in time, whatever is under way; what was asked for goes on being asked for.
func TestGivenUpInTime(t *testing.T) {
	l := begin(t)
	limit := l.s.Payments[0].GiveUpBy
	for l.s.State != Unresolved {
		if l.s.NextAt.After(limit) {
			t.Fatalf("the next look is at %v, after %v", l.s.NextAt, limit)
		}
		l.at = l.s.NextAt
		l.step(Event{Kind: Due})
	}
	if !l.at.Equal(limit) {
		t.Errorf("given up at %v, promised %v", l.at, limit)
	}
	for n := range 10 {
		if l.s.NextAt.IsZero() {
			t.Fatal("forgotten")
		}
		l.at = l.s.NextAt
		l.step(Event{Kind: Due})
		l.does(QueryPayment)
		l.shows("N1", listed(payment.Unknown))
		want := l.FollowUp[min(n, len(l.FollowUp)-1)]
		if d := l.s.NextAt.Sub(l.at); d < want || d > want+want/10 {
			t.Errorf("look %d after %v, want %v", n, d, want)
		}
	}
}

// A payment is cancelled when the time to confirm it is over, and not before.
func TestCancelledAtTheConfirmTime(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.at = l.s.Payments[0].ConfirmBy.Add(-1)
	l.shows("N1", listed(payment.Pending))
	l.does()
	l.pass(1)
	l.shows("N1", listed(payment.Pending))
	l.does(CancelPayment)
	l.cancelled(says(payment.Undone))
	l.does(QueryPayment)
	l.shows("N1", listed(payment.Undone))
	l.is(NotPaid)
	if l.s.Reason != Reversed || l.s.EndedAt != l.at {
		t.Errorf("%s at %v", l.s.Reason, l.s.EndedAt)
	}
}

// A code is taken until the scan time is over, and the sale ends then.
func TestScanTime(t *testing.T) {
	bind := &Bind{OutTradeNo: "N1", PayType: "800108"}
	open := func() *life {
		l := &life{T: t, Rules: DefaultRules(), at: t0, s: Sale{ID: "S", Amount: 100}}
		l.step(Event{Kind: Opened})
		return l
	}
	l := open()
	l.at = l.s.ScanBy.Add(-1)
	l.step(Event{Kind: Due})
	l.is(Waiting)
	l.step(Event{Kind: Scanned, Bind: bind})
	l.is(Paying)
	l = open()
	l.at = l.s.ScanBy
	l.step(Event{Kind: Scanned, Bind: bind})
	l.is(Waiting)
	l.step(Event{Kind: Due})
	l.is(NotPaid)
	if l.s.Reason != NoScan {
		t.Errorf("reason %s", l.s.Reason)
	}
}

// A restart counts what proves anew, takes what may have been sent as sent, and asks at once.
func TestRestarted(t *testing.T) {
	l := begin(t)
	l.pass(10 * time.Second)
	l.step(Event{Kind: Restarted})
	l.is(Confirming)
	l.does(QueryPayment)
	p := l.s.Payments[0]
	if p.Progress.InFlight || !p.Progress.WindowFrom.Equal(l.at) || !p.ConfirmBy.Equal(t0.Add(l.Confirm)) || !p.GiveUpBy.Equal(t0.Add(l.GiveUp)) {
		t.Errorf("%+v", p)
	}
	l.pass(365 * 24 * time.Hour) // the clock was wrong
	l.step(Event{Kind: Restarted})
	if by := l.s.Payments[0].GiveUpBy; !by.Equal(l.at.Add(l.Guard)) {
		t.Errorf("given up at %v, now is %v", by, l.at)
	}
	l = begin(t)
	l.answer("N1", says(payment.NotSent))
	l.step(Event{Kind: Restarted}) // the code is gone with the process
	l.does()
	l.is(Waiting)
}

// A daemon that is restarted again and again keeps no lane for ever: only the first restart near the limit moves it, and
// after that one look at what QFPay says is enough.
func TestRestartsDoNotPutOffTheDecision(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Pending))
	l.pass(l.GiveUp - time.Second)
	l.step(Event{Kind: Restarted})
	l.does(QueryPayment)
	by := l.s.Payments[0].GiveUpBy
	if !by.Equal(l.at.Add(l.Guard)) {
		t.Errorf("given up at %v, now is %v", by, l.at)
	}
	l.pass(2 * time.Second)
	l.step(Event{Kind: Restarted})
	l.does(QueryPayment)
	if moved := l.s.Payments[0].GiveUpBy; !moved.Equal(by) {
		t.Errorf("given up at %v, then at %v", by, moved)
	}
	l.pass(l.Guard)
	l.step(Event{Kind: Restarted})
	l.is(Confirming) // QFPay is asked before the cashier is told
	l.does(QueryPayment)
	l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
	l.is(Unresolved)
}

// QFPay may have said "paid" in an answer that was lost with the process: nothing is cancelled before it has spoken again,
// neither when the time is up nor for a till that cancels.
func TestNothingIsCancelledUnseenAfterARestart(t *testing.T) {
	for _, till := range []bool{false, true} {
		l := begin(t)
		l.answer("N1", says(payment.Pending))
		l.pass(l.Confirm + time.Second)
		l.step(Event{Kind: Restarted})
		l.does(QueryPayment)
		l.shows("N1", payment.QueryResult{Answer: says(payment.Unknown)})
		if till {
			l.step(Event{Kind: CancelAsked})
		}
		l.does()
		l.is(Confirming)
		l.shows("N1", listed(payment.Pending))
		l.does(CancelPayment)
		l.is(Reversing)
	}
}

// A payment that was not listed, whose cancellation QFPay then accepted, and that is still not listed: it is asked for at the
// slow pace, not every few seconds for ever.
func TestKnownByItsCancellation(t *testing.T) {
	l := begin(t)
	l.answer("N1", says(payment.Unknown))
	l.pass(l.Confirm)
	l.shows("N1", nothing)
	l.does(CancelPayment)
	l.cancelled(says(payment.Undone))
	l.pass(l.GiveUp)
	l.step(Event{Kind: Due})
	l.is(Unresolved)
	for range 5 {
		l.shows("N1", nothing)
		l.is(Unresolved)
		l.pass(l.s.NextAt.Sub(l.at))
		l.step(Event{Kind: Due})
		l.does(QueryPayment)
	}
	if pace := l.FollowUp[len(l.FollowUp)-1]; l.at.Sub(l.s.Payments[0].GiveUpBy) < min(pace, 3*l.FollowUp[0]) {
		t.Errorf("asked 5 times within %v", l.at.Sub(l.s.Payments[0].GiveUpBy))
	}
}

// QFPay refuses refunds from 23:30 to 00:30. Money that is refused then is asked for about once a day, and not each day at the
// same time.
func TestReturnIsAskedForAtAnotherTimeOfDay(t *testing.T) {
	l := &life{T: t, Rules: DefaultRules(), at: t0, s: Sale{ID: "S", Lane: "1", Amount: 100, Currency: "HKD", ConfirmDelivery: true}}
	l.step(Event{Kind: Opened})
	l.pay("N1")
	l.answer("N1", payment.Answer{Meaning: payment.Paid, SysSN: "Q1"})
	l.is(Paid)
	for range 40 {
		l.pass(l.s.NextAt.Sub(l.at))
		before := l.at
		l.step(Event{Kind: Due})
		l.does(ReturnMoney)
		pause := l.s.NextAt.Sub(before)
		if pause > 24*time.Hour || pause > 2*time.Hour && (pause > 24*time.Hour-time.Hour || pause < time.Hour) {
			t.Fatalf("asked again after %v", pause)
		}
	}
}
