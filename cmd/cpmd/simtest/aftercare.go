package simtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

// after asks once more, later: the answer must be the same. And it gives money back.
func (s *selling) after(v sale.View) {
	w := s.w
	if !v.Final {
		return
	}
	if v.Delivery != sale.NoDelivery {
		s.handOver()
		return
	}
	amounts := []int64(nil)
	if sc := w.o.Script; sc != nil {
		amounts = sc.Refunds
	} else if v.State == sale.Paid && w.chance(s.id+" is refunded", w.mix.Refund) {
		for n := range 1 + s.r.IntN(2) {
			amounts = append(amounts, pick(s.r, v.Amount, v.Amount/2, 1+s.r.Int64N(v.Amount)))
			if !w.chance(fmt.Sprintf("%s is refunded %d times", s.id, n+2), w.mix.ManyRefunds+0.3) {
				break
			}
		}
	}
	for n, amount := range amounts {
		if amount > 0 {
			time.Sleep(between(s.r, 1100*time.Millisecond, 5*time.Second)) // the gateway wants a second between two refunds of a payment
			s.refund(fmt.Sprintf("%s-r%d", s.id, n+1), amount)
		}
	}
	time.Sleep(between(s.r, time.Second, 20*time.Second))
	if v, err := s.c.Sale(context.Background(), s.id); err == nil {
		w.books.told(w, s.id, v)
	}
}

// handOver says that the goods are handed over, unless they are stuck.
func (s *selling) handOver() {
	w := s.w
	time.Sleep(between(s.r, 100*time.Millisecond, pick(s.r, 5*time.Second, 130*time.Second)))
	if w.chance(s.id+" is handed over before it is asked", w.wide.HandOver) {
		w.saw("handed over before it was asked")
		if s.r.IntN(2) == 0 {
			w.saw("handed over without asking")
			return
		}
	}
	if w.chance(s.id+" has its goods stuck", max(w.mix.GoodsStuck, w.wide.Operator)) {
		w.saw("goods stuck")
		if s.r.IntN(2) == 0 {
			s.cancel()
		}
		s.misdecideReturn()
		return
	}
	for try := 1; try < 60; try++ {
		name := fmt.Sprintf("%s hand over#%d", s.id, try)
		ctx, done := s.patienceOf(name)
		v, err := s.c.ConfirmDelivery(ctx, s.id)
		done()
		w.note("%s: %s", name, said(v, false, err))
		refusal := new(client.Error)
		switch {
		case err == nil:
			w.saw("handed over")
			w.books.delivered(w, s.id)
			w.books.told(w, s.id, v)
			return
		case errors.As(err, &refusal) && refusal.Code == sale.NotDeliverable:
			w.saw("handed over too late")
			return
		case errors.As(err, &refusal) && refusal.Status != 503:
			w.wrong("%s is refused: %v", name, err)
			return
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
}

// decide is an operator who looks an unresolved sale up in QFPay's portal.
func (s *selling) decide() {
	w := s.w
	outcome, sure := w.books.lookUp(w, s.id)
	if !sure || !w.chance(s.id+" is decided by an operator", w.mix.Decide) {
		return
	}
	word := sale.Resolution{ID: s.id, Outcome: outcome, Note: "seen in the portal"}
	v, err := s.c.Resolve(context.Background(), word)
	if e := (*client.Error)(nil); errors.As(err, &e) && e.Code == sale.ContradictsGateway { // the portal is newer than QFPay's last word
		word.EvenThough = true
		v, err = s.c.Resolve(context.Background(), word)
	}
	w.note("%s is decided: %s", s.id, said(v, false, err))
	if err == nil {
		w.saw("decided: " + string(outcome))
		w.books.told(w, s.id, v)
	}
}

// refund gives an amount back. Told that nothing went back, staff ask once more, with a new id.
func (s *selling) refund(id string, amount int64) {
	again := s.refundOnce(id, amount)
	if again && s.w.chance(id+" is asked for again", s.w.wide.Staff+s.w.wide.RefundOdd) {
		s.w.saw("a refund that was not done is asked for again")
		s.refundOnce(id+onceMore, amount)
	}
}

// refundOnce reports whether it was told that no money went back.
func (s *selling) refundOnce(id string, amount int64) bool {
	w := s.w
	req := sale.RefundRequest{ID: id, Sale: s.id, Amount: amount}
	w.books.openRefund(req)
	var v sale.RefundView
	for try := 1; ; try++ {
		name := fmt.Sprintf("%s put#%d", id, try)
		ctx, done := s.patienceOf(name)
		var err error
		v, _, err = s.c.PutRefund(ctx, req)
		done()
		w.note("%s: %s", name, saidRefund(v, err))
		refusal := new(client.Error)
		switch {
		case err == nil:
			w.books.toldRefund(w, v)
		case errors.As(err, &refusal) && refusal.Code == sale.NotRefundable:
			w.saw("not_refundable")
			return false
		case errors.As(err, &refusal) && refusal.Status != 503:
			w.wrong("%s is refused: %v", name, err)
			return false
		case w.tooLong():
			w.wrong("%s: nobody says what became of it", name)
			return false
		}
		if err == nil {
			break
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
	for try := 1; !v.Final && try < 20; try++ {
		time.Sleep(between(s.r, time.Microsecond, time.Millisecond))
		next, err := s.c.WaitRefund(context.Background(), id, v.Seq, between(s.r, 5*time.Second, 40*time.Second))
		if err == nil {
			if next.Seq != v.Seq {
				w.note("%s: %s", id, saidRefund(next, nil))
			}
			v = next
			w.books.toldRefund(w, v)
			s.misdecideRefund(v)
			continue
		}
		time.Sleep(between(s.r, 200*time.Millisecond, 6*time.Second))
	}
	return v.State == sale.NotRefunded
}

func saidRefund(v sale.RefundView, err error) string {
	if err != nil {
		return said(sale.View{}, false, err)
	}
	return fmt.Sprintf("%s, seq %d", v.State, v.Seq)
}
