package queue

import (
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"cpmd/payment"
	"cpmd/queue/journal"
	"cpmd/queue/sale"
	"cpmd/scanner"
)

// A lane pairs scans with the sale that holds it.
type lane struct {
	Lane
	holder string    // id of the sale that holds the lane, or ""
	since  time.Time // when that sale last began to wait; older scans are not for it
	status scanner.Status
	last   scanner.Text // the last scan, when it was first and last seen, to tell a scan from its echo
	first  time.Time
	lastAt time.Time
	warm   context.CancelFunc // ends the readiness of a connection to QFPay; nil where none is kept
}

// echo is how soon the same text counts as the same scan: presentation scanners read a phone more than once.
const echo = 1500 * time.Millisecond

// Sink takes what the lane's scanner has to say.
func (q *Queue) Sink(name string) scanner.Sink { return sink{q, q.lanes[name]} }

type sink struct {
	q *Queue
	l *lane
}

func (s sink) Scanned(sc scanner.Scan) {
	s.q.post(func() { s.q.scanned(s.l, sc) })
}

func (s sink) StatusChanged(st scanner.Status) {
	s.q.post(func() { s.q.scannerChanged(s.l, st) })
}

// scanned gives a scan to the sale that waits for it, or tells the till about it.
func (q *Queue) scanned(l *lane, sc scanner.Scan) {
	if q.stopping {
		return
	}
	sc.Text = scanner.Text(strings.Trim(string(sc.Text), " \r\n\t"))
	if sc.Text == "" {
		return
	}
	if l.echoes(sc) {
		l.lastAt = sc.At
		return
	}
	l.last, l.first, l.lastAt = sc.Text, sc.At, sc.At
	note, err := q.bind(l, sc)
	if err != nil {
		q.log.Error("a scan could not be taken; the customer must show the code again", q.traceOn(l).with(zap.String("lane", l.Name), zap.Error(err))...)
		l.last = "" // so that the same code may be tried again at once
		l.beep(false)
		return
	}
	if note != "" {
		q.tellScan(l, sc, note)
		q.rejectScan(l, sc, note)
	}
}

// rejectScan shows a waiting sale's cashier why a scan was not taken. Goods barcodes and addresses leave the sale alone.
func (q *Queue) rejectScan(l *lane, sc scanner.Scan, note string) {
	s := q.sales[l.holder]
	if s == nil || s.State != sale.Waiting || sale.IsGoods(string(sc.Text)) {
		return
	}
	l.beep(false)
	note = strings.ToUpper(note[:1]) + note[1:] + "."
	if _, err := q.applySale(*s, sale.Event{Kind: sale.ScanRejected, At: q.clock.now(), Note: note}); err != nil {
		q.log.Warn("a rejected scan could not be journaled", q.traceOn(l).with(zap.String("lane", l.Name), zap.Error(err))...)
	}
}

// echoes reports whether the scan is the last one, read once more. A phone that is held in front of a presentation
// scanner from before the sale opened is a scan of its own once it has been there for as long as an echo lasts.
func (l *lane) echoes(sc scanner.Scan) bool {
	if sc.Text != l.last || sc.At.Sub(l.lastAt) >= echo {
		return false
	}
	heldOver := l.first.Before(l.since) && sc.At.Sub(l.since) >= echo
	return !heldOver
}

// bind makes a payment of the scan, or tells why no sale takes it.
func (q *Queue) bind(l *lane, sc scanner.Scan) (note string, err error) {
	code := payment.AuthCode(sc.Text)
	s := q.sales[l.holder]
	switch {
	case !sale.IsPaymentCode(string(sc.Text)):
		return "this is not a payment code", nil
	case s == nil:
		return "no sale is waiting for a code on this lane", nil
	case s.State != sale.Waiting:
		return "the sale on this lane already has its code", nil
	case sc.At.Before(l.since):
		return "scanned before the sale began to wait; show the code again", nil
	}
	mark := sale.Mask(code)
	used, err := q.cfg.Journal.CodeUsed(mark.Hash)
	if err != nil {
		return "", err
	}
	if used {
		return "this code was used before; the customer must show a fresh one", nil
	}
	now := q.clock.now()
	return "", q.pay(*s, sale.Event{Kind: sale.Scanned, At: now}, l, code, sc.Device)
}

// pay runs an event that binds a code to a sale. The code itself stays in memory until the request is surely out.
func (q *Queue) pay(s sale.Sale, ev sale.Event, l *lane, code payment.AuthCode, device string) error {
	ev.Bind = &sale.Bind{OutTradeNo: q.cfg.NewNumber(ev.At), Code: sale.Mask(code), PayType: l.PayType,
		TxDTM: payment.FormatTime(ev.At, q.cfg.Location), Device: device}
	q.codes[ev.Bind.OutTradeNo] = code
	if _, err := q.applySale(s, ev); err != nil {
		delete(q.codes, ev.Bind.OutTradeNo)
		return err
	}
	return nil
}

// tellScan tells tills of a scan that paid nothing. Goods barcodes and addresses are told as they are, other texts only
// while no sale waits: they may be part of a code.
func (q *Queue) tellScan(l *lane, sc scanner.Scan, note string) {
	v := sale.ScanView{Lane: l.Name, Text: string(sc.Text), Symbology: sc.Symbology, Note: note, At: sale.Shown(q.clock.now())}
	waits := q.sales[l.holder] != nil
	if sale.IsPaymentCode(v.Text) || waits && !sale.IsGoods(v.Text) {
		v.Text, v.Masked = payment.AuthCode(sc.Text).String(), true
	}
	q.tell("scan", l.Name, v)
}

func (q *Queue) scannerChanged(l *lane, st scanner.Status) {
	if l.status.State == st.State && l.status.Device == st.Device && l.status.Advice == st.Advice {
		return
	}
	l.status = st
	q.log.Info("scanner", zap.String("lane", l.Name), zap.String("state", string(st.State)), zap.String("device", st.Device), zap.String("advice", st.Advice))
	q.tell("scanner", l.Name, l.scannerView())
}

// tell journals what tills are told about a lane. It decides nothing, so a journal that is down loses it.
func (q *Queue) tell(kind, laneName string, v any) {
	_ = q.append(journal.Entry{At: q.clock.now(), Kind: kind, Subject: laneName, Told: func(int64) any { return v }})
}

// settleLane follows a sale's change: who holds the lane, and what the customer hears.
func (q *Queue) settleLane(old, s sale.Sale) {
	l := q.lanes[s.Lane]
	if l == nil || s.State == old.State {
		return
	}
	switch {
	case s.State.HoldsLane():
		l.holder = s.ID
	case l.holder == s.ID:
		l.holder = ""
	}
	l.arm(s.State == sale.Waiting)
	q.warm(l, s.State)
	switch {
	case s.State == sale.Waiting:
		l.since = time.Now()
		if old.State != "" {
			l.beep(false)
		}
	case s.State == sale.Paid:
		l.beep(true)
	case s.State == sale.NotPaid && len(s.Payments) > 0:
		l.beep(false)
	}
}

// warm has a connection to QFPay ready while a sale waits for its code, and until its payment has taken it, so that the
// payment takes one round trip.
func (q *Queue) warm(l *lane, state sale.State) {
	switch {
	case state == sale.Waiting && l.warm == nil && !q.stopping:
		p, ok := q.cfg.Gateway.(Preparer)
		if !ok {
			return
		}
		var ctx context.Context
		ctx, l.warm = context.WithCancel(q.ctx)
		trace := q.traceOn(l)
		q.calls.Add(1)
		go func() {
			defer q.calls.Done()
			if err := p.Prepare(ctx); err != nil && ctx.Err() == nil {
				q.log.Debug("no connection to QFPay could be made ready; the payment makes its own", trace.with(zap.Error(err))...)
			}
		}()
	case state != sale.Waiting && state != sale.Paying && l.warm != nil:
		l.warm()
		l.warm = nil
	}
}

func (l *lane) beep(good bool) {
	if l.Scanner != nil {
		l.Scanner.Beep(good)
	}
}

// arm lets the scanner read only while a sale waits, where it can and is configured to.
func (l *lane) arm(on bool) {
	if a, ok := l.Scanner.(scanner.Armer); ok {
		a.Arm(on)
	}
}

func (l *lane) scannerView() sale.ScannerView {
	st := l.status
	if st.State == "" {
		st.State = scanner.Absent
	}
	return sale.ScannerView{Lane: l.Name, State: string(st.State), Device: st.Device, Advice: st.Advice, Since: sale.Shown(st.Since)}
}
