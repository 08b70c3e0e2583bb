package simtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/queue/sale"
)

// An account is one sale as the world outside cpmd saw it.
type account struct {
	req      sale.Request
	asked    time.Duration // when it was first asked for
	numbers  []string      // payments that left, in order
	told     []sale.View
	final    *sale.View
	answered bool // QFPay's answer to the last payment came back
	undone   bool // QFPay was asked to cancel
	unsure   bool // nobody knows whether it was opened
	handed   bool // the goods are, and cpmd knows
	stopped  bool // the till was told that its wish to cancel is taken

	knobs      []string      // of the wider world, that were used on it
	listedPaid time.Duration // when cpmd heard that its last payment is listed as paid
	byHand     int64         // given back at the portal
	phone      bool          // a phone lay before the scanner as it was opened
	life       *daemon       // that told first that it waits for a code
}

// A card is a code that a customer showed.
type card struct {
	saleID    string // that it was meant for
	behaviour string
	read      []reading
	number    string // that it was submitted with
}

// A reading is one time that a scanner or a till read a code.
type reading struct {
	lane string
	at   time.Duration
}

// A giving is one refund.
type giving struct {
	req    sale.RefundRequest
	number string
	told   *sale.RefundView
	own    bool // cpmd's own
}

// books are what the world knows, to judge cpmd by.
type books struct {
	mu       sync.Mutex
	sales    map[string]*account
	order    []string
	cards    map[string]*card
	codes    []string
	numbers  map[string]*account // of payments
	syssn    map[string]string   // to out_trade_no
	refunds  map[string]*giving
	backs    map[string]*giving // by out_trade_no
	requests map[string]int     // by out_trade_no
	stream   []int64
	streamed map[int64]string
	touched  []string // knobs of the wider world that were used on every sale
}

func (b *books) init() {
	b.sales, b.cards, b.numbers = map[string]*account{}, map[string]*card{}, map[string]*account{}
	b.syssn, b.refunds, b.backs = map[string]string{}, map[string]*giving{}, map[string]*giving{}
	b.requests, b.streamed = map[string]int{}, map[int64]string{}
}

func (b *books) open(r sale.Request, at time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sales[r.ID] = &account{req: r, asked: at, unsure: true}
	b.order = append(b.order, r.ID)
}

func (b *books) openRefund(r sale.RefundRequest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refunds[r.ID] = &giving{req: r}
}

func (b *books) shown(w *world, code, lane, saleID, behaviour string, at time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.cards[code]
	if c == nil {
		c = &card{saleID: saleID, behaviour: behaviour}
		b.cards[code] = c
		b.codes = append(b.codes, code)
	}
	c.read = append(c.read, reading{lane, at})
}

func (b *books) anyUsed(r *rand.Rand) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.codes) == 0 {
		return ""
	}
	return b.codes[r.IntN(len(b.codes))]
}

func (b *books) behaviourOfCode(code string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.cards[code]; c != nil {
		return c.behaviour
	}
	return ""
}

func (b *books) behaviourOf(number string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.cards {
		if c.number == number {
			return c.behaviour
		}
	}
	return ""
}

// about names what a request is for, in a way that stays the same when other faults are left out.
func (b *books) about(d *daemon, number, syssn string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if number == "" {
		number = b.syssn[syssn]
	}
	if number == "" {
		return "a list"
	}
	if a := b.numbers[number]; a != nil {
		return fmt.Sprintf("%s.%d", a.req.ID, slices.Index(a.numbers, number)+1)
	}
	if g := b.backs[number]; g != nil {
		return g.req.ID
	}
	var saleID string // one that never left
	var n int
	if d.eye.QueryRow(`SELECT sale_id, n FROM payment WHERE out_trade_no=?`, number).Scan(&saleID, &n) == nil {
		return fmt.Sprintf("%s/%d", saleID, n)
	}
	return "refund " + number
}

// cancelled notes that a wish to cancel was taken.
func (b *books) cancelled(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sales[id].stopped = true
}

// lookUp is what QFPay's portal shows of a sale, if it is sure to stay so.
func (b *books) lookUp(w *world, id string) (outcome sale.State, sure bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.sales[id]
	if len(a.numbers) == 0 {
		return "", false
	}
	switch p, _ := w.gw.Payment(a.numbers[len(a.numbers)-1]); p.State {
	case sim.Paid:
		return sale.Paid, !a.undone
	case sim.Declined, sim.Closed, sim.Reversed:
		return sale.NotPaid, true
	}
	return "", false
}

func (b *books) sawAnswer(number string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.numbers[number]; a != nil {
		a.answered = true
	}
}

// heard judges the event stream as it comes: each event once, in order.
func (b *books) heard(w *world, seq int64, kind string, data json.RawMessage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.stream); n > 0 && seq <= b.stream[n-1] {
		w.wrong("event %d came after event %d", seq, b.stream[n-1])
	}
	b.stream = append(b.stream, seq)
	b.streamed[seq] = kind + " " + string(data)
}

func (b *books) ends() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := map[string]string{}
	for id, a := range b.sales {
		all[id] = "unknown"
		if a.final != nil {
			all[id] = strings.TrimSpace(string(a.final.State) + " " + string(a.final.Reason))
		}
	}
	for id, g := range b.refunds {
		all[id] = "unknown"
		if g.told != nil {
			all[id] = string(g.told.State)
		}
	}
	return all
}
