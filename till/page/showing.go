package page

import (
	"strings"
	"time"

	"cpmd/queue/sale"
)

// A Show is what the customer display shows.
type Show string

// What there is to show.
const (
	Idle       Show = "idle"       // nobody pays
	Scan       Show = "scan"       // show the code
	Again      Show = "again"      // the code did not pay: show a fresh one
	Processing Show = "processing" // sent, no answer yet
	Confirm    Show = "confirm"    // the wallet asks for a confirmation
	Checking   Show = "checking"   // not known; do not pay again
	Paid       Show = "paid"
	Declined   Show = "declined"  // not paid
	Cancelled  Show = "cancelled" // not paid
	NoScan     Show = "no_scan"   // not paid
	NotPaid    Show = "not_paid"  // for another reason
	Ask        Show = "ask"       // not known in time: the staff knows what to do
	Returned   Show = "returned"  // paid, and the money goes back
	Closed     Show = "closed"    // the scanner cannot be used
	Away       Show = "away"      // cpmd cannot be reached: the display itself finds that out
)

// Shows are all of them.
var Shows = []Show{Idle, Scan, Again, Processing, Confirm, Checking, Paid, Declined, Cancelled, NoScan, NotPaid, Ask, Returned, Closed, Away}

// A DisplayView is what the display of a lane shows: nothing of it is anybody's secret.
type DisplayView struct {
	Lane       string     `json:"lane"`
	Show       Show       `json:"show"`
	Amount     int64      `json:"amount"`      // minor units; 0 where there is no sale
	Currency   string     `json:"currency"`    // likewise empty
	AmountText string     `json:"amount_text"` // such as "HKD 128.50"
	Wallet     string     `json:"wallet"`
	Since      time.Time  `json:"since"`           // of this state
	Until      *time.Time `json:"until,omitempty"` // a countdown to show
	Clear      *time.Time `json:"clear,omitempty"` // when an outcome gives way to idle
	Texts      []Text     `json:"texts"`
	At         time.Time  `json:"at"` // cpmd's clock
}

// How long an outcome stays after the sale has let go of the lane.
const (
	paidStays    = 8 * time.Second
	notPaidStays = 12 * time.Second
	askStays     = 30 * time.Second
)

// onThePhone is what tills are told while the customer is asked to confirm.
const onThePhone = "Customer is confirming on the phone. Do not charge again."

// moneyGone begins what tills are told where QFPay shows the money of a paid sale as gone.
const moneyGone = "Paid, but QFPay does not show the money"

// Showing decides what a lane's display shows. last is the lane's newest sale, if it no longer holds the lane.
func Showing(l sale.LaneView, last *sale.View, now time.Time) DisplayView {
	v := DisplayView{Lane: l.Name, Show: Idle, At: now.UTC(), Since: now.UTC()}
	open := l.Scanner.State == "open"
	if s := l.Sale; s != nil {
		v.of(s)
		switch s.State {
		case sale.Waiting:
			v.Show, v.Until = Scan, s.ScanBy
			if len(s.Payments) > 0 {
				v.Show = Again
			}
			if !open && !l.Virtual {
				v.Show, v.Until = Closed, nil
			}
		case sale.Paying:
			v.Show = Processing
		case sale.Confirming:
			v.Show = Checking
			if s.Message == onThePhone {
				v.Show, v.Until = Confirm, s.DecideBy
			}
		case sale.Reversing:
			v.Show = Checking
		default:
			v.outcome(s, now)
		}
		return v
	}
	if last != nil {
		v.outcome(last, now)
	}
	if v.Show == Idle && !open {
		v.Show = Closed
	}
	return v
}

func (v *DisplayView) of(s *sale.View) {
	v.Amount, v.Currency, v.Wallet, v.Since = s.Amount, s.Currency, s.Wallet, s.UpdatedAt
}

// outcome shows how a sale ended, for a while.
func (v *DisplayView) outcome(s *sale.View, now time.Time) {
	show, stays := NotPaid, notPaidStays
	switch {
	case s.Delivery == sale.Returning || s.Delivery == sale.Returned:
		show, stays = Returned, askStays
	case s.State == sale.Paid && (s.Refunded > 0 || strings.HasPrefix(s.Message, moneyGone)):
		return // the money goes back, or has gone: no news for who stands there now
	case s.State == sale.Paid:
		show, stays = Paid, paidStays
	case s.State == sale.Unresolved:
		show, stays = Ask, askStays
	case s.State != sale.NotPaid:
		return
	case s.Reason == sale.Declined:
		show = Declined
	case s.Reason == sale.Cancelled:
		show = Cancelled
	case s.Reason == sale.NoScan:
		show = NoScan
	}
	clears := s.UpdatedAt.Add(time.Second + stays) // the time is cut to a whole second
	if !now.Before(clears) {
		return
	}
	v.of(s)
	v.Show, v.Clear = show, &clears
}
