package simtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/cmd/qfpaysim/sim"
	"cpmd/payment"
	"cpmd/queue/sale"
)

var days = flag.Int("days", 0, "how many clean days TestCleanDays trades; 0: a few")

// A plant is a difference between cpmd's books and the gateway's. Its sale is of 10,000, paid unless code says
// otherwise, and refunds are given back through cpmd before anything is planted.
type plant struct {
	kind    string
	code    string // what the sale's code does; default "pay"
	refunds []int64
	deeds   []sim.Deed    // P stands for the payment's number, R for the first refund's, E for one that is not cpmd's
	later   time.Duration // before the day is compared
}

func shows(of string, values ...string) []sim.Deed {
	show := map[string]string{}
	for i := 0; i < len(values); i += 2 {
		show[values[i]] = values[i+1]
	}
	return []sim.Deed{{Relist: of, List: &sim.ListPlan{Show: show}}}
}

func lists(of string, as sim.ListPlan) []sim.Deed { return []sim.Deed{{Relist: of, List: &as}} }

var plants = []plant{
	{kind: "nothing of it is here", code: "code-1201", deeds: []sim.Deed{{Sell: "E", Amount: 700}}},
	{kind: "amount is more", deeds: shows("P", "txamt", "10001")},
	{kind: "amount is less", deeds: shows("P", "txamt", "1000")},
	{kind: "amount is missing", deeds: shows("P", "txamt", "(none)")},
	{kind: "currency is another", deeds: shows("P", "txcurrcd", "USD")},
	{kind: "number of QFPay's own is another", deeds: shows("P", "syssn", "20261122000300020099999999")},
	{kind: "reversed there", deeds: []sim.Deed{{Reverse: "P"}}},
	{kind: "cancel 1", deeds: shows("P", "cancel", "1")},
	{kind: "cancel 2", deeds: shows("P", "cancel", "2")},
	{kind: "cancel 3", deeds: shows("P", "cancel", "3")},
	{kind: "cancel 4", deeds: shows("P", "cancel", "4")},
	{kind: "cancel 5", deeds: shows("P", "cancel", "5")},
	{kind: "cancel 6", deeds: shows("P", "cancel", "6")},
	{kind: "cancel is missing", deeds: shows("P", "cancel", "(none)")},
	{kind: "refunded by hand, whole", deeds: []sim.Deed{{Refund: "P", Number: "E"}}},
	{kind: "refunded by hand, whole, without an item", deeds: []sim.Deed{{Refund: "P", Number: "E", Quiet: true}}},
	{kind: "refunded by hand, in part", deeds: []sim.Deed{{Refund: "P", Number: "E", Amount: 4000}}},
	{kind: "refunded by hand, in part, without an item", deeds: []sim.Deed{{Refund: "P", Number: "E", Amount: 4000, Quiet: true}}},
	{kind: "refunded here in part, the rest by hand", refunds: []int64{3000}, deeds: []sim.Deed{{Refund: "P", Number: "E"}}},
	{kind: "refunded here in part, the rest by hand without an item", refunds: []int64{3000}, deeds: []sim.Deed{{Refund: "P", Number: "E", Quiet: true}}},
	{kind: "refunded here in part, more by hand", refunds: []int64{3000}, deeds: []sim.Deed{{Refund: "P", Number: "E", Amount: 2000}}},
	{kind: "refunded here in part, reversed there", refunds: []int64{3000}, deeds: []sim.Deed{{Reverse: "P"}}},
	{kind: "refunded here in part, cancel 0", refunds: []int64{3000}, deeds: shows("P", "cancel", "0")},
	{kind: "refunded here, whole, cancel 5", refunds: []int64{10000}, deeds: shows("P", "cancel", "5")},
	{kind: "payment is missing there", deeds: lists("P", sim.ListPlan{Miss: true})},
	{kind: "payment is missing there, its refund is not", refunds: []int64{3000}, deeds: lists("P", sim.ListPlan{Miss: true})},
	{kind: "payment is there twice", deeds: lists("P", sim.ListPlan{Twins: 1})},
	{kind: "payment failed there", deeds: shows("P", "respcd", "1142")},
	{kind: "payment is pending there", deeds: shows("P", "respcd", "1143")},
	{kind: "payment has a code there that nobody knows", deeds: shows("P", "respcd", "8888")},
	{kind: "payment is of a type that nobody knows", deeds: shows("P", "order_type", "pay")},
	{kind: "refund is missing there", refunds: []int64{3000}, deeds: lists("R", sim.ListPlan{Miss: true})},
	{kind: "refund is there twice", refunds: []int64{3000}, deeds: lists("R", sim.ListPlan{Twins: 1})},
	{kind: "refund failed there", refunds: []int64{3000}, deeds: shows("R", "respcd", "1155")},
	{kind: "refund is of another amount", refunds: []int64{3000}, deeds: shows("R", "txamt", "4000")},
	{kind: "refund is of another payment", refunds: []int64{3000}, deeds: shows("R", "origssn", "20261122000300020099999998")},
	{kind: "refund that was not done here is done there", code: "refund-late-20m", refunds: []int64{3000}, later: 25 * time.Minute},
	{kind: "declined here, paid there", code: "code-1201", deeds: []sim.Deed{{Complete: "P"}}},
	{kind: "reversed here, paid there", code: "never", deeds: []sim.Deed{{Complete: "P"}}},
	{kind: "never arrived here, paid there", code: "late-lost-20m", later: 25 * time.Minute},
}

// pagings are how QFPay gives its lists.
var pagings = []struct {
	name   string
	habits sim.Habits
}{
	{"pages as asked", sim.Habits{}},
	{"pages of 5", sim.Habits{PageSize: 5}},
	{"pages of 3, the last again and again", sim.Habits{PageSize: 3, PageRepeats: true}},
}

// TestPlantedDifferences: of a day with forty differences of every kind, all are reported, and nothing else is.
func TestPlantedDifferences(t *testing.T) {
	for _, p := range pagings {
		t.Run(p.name, func(t *testing.T) { testPlanted(t, p.name, p.habits) })
	}
}

func testPlanted(t *testing.T, pages string, habits sim.Habits) {
	trade(t, Options{Seed: 1, Script: &Script{Name: "a day"}}, habits, func(d *trading) {
		planted := map[string][]string{} // what a report may name
		var later time.Duration
		for i, p := range plants {
			id := fmt.Sprintf("S%d", i+1)
			d.sell(id, 10000, or(p.code, "pay"))
			v, err := d.c.Sale(context.Background(), id)
			if err != nil || len(v.Payments) != 1 {
				t.Fatalf("%s: %v, %+v", p.kind, err, v)
			}
			number := map[string]string{"P": v.Payments[0].OutTradeNo, "E": fmt.Sprintf("ELSEWHERE%d", i+1)}
			planted[p.kind] = []string{number["P"], number["E"]}
			for n, amount := range p.refunds {
				r := d.refund(fmt.Sprintf("%s-r%d", id, n+1), id, amount)
				if n == 0 {
					number["R"] = r.OutTradeNo
				}
				planted[p.kind] = append(planted[p.kind], r.OutTradeNo)
			}
			d.sell(id+"-clean", 500, "pay")
			for _, deed := range p.deeds {
				for _, of := range []*string{&deed.Refund, &deed.Reverse, &deed.Complete, &deed.Sell, &deed.Relist, &deed.Number} {
					*of = number[*of]
				}
				if err := d.w.gw.Do(deed); err != nil {
					t.Fatalf("%s: %v", p.kind, err)
				}
			}
			later = max(later, p.later)
		}
		time.Sleep(later)
		reports := d.reports(d.w.start.Format(time.DateOnly))
		alarms := d.alarms()
		for _, p := range plants {
			names := planted[p.kind]
			found := slices.ContainsFunc(reports, func(r sale.Mismatch) bool { return slices.Contains(names, r.OutTradeNo) }) ||
				slices.ContainsFunc(alarms, func(a string) bool {
					return slices.ContainsFunc(names, func(name string) bool { return speaksOf(a, name) })
				})
			if !found {
				t.Errorf("%s: nothing is reported of it", p.kind)
			}
		}
		for _, r := range reports {
			known := false
			for _, names := range planted {
				known = known || slices.Contains(names, r.OutTradeNo)
			}
			if !known {
				t.Errorf("a report of nothing: %+v", r)
			}
		}
	})
}

// TestCleanDays trades days on which nothing is wrong, with all that a day brings: nothing is reported of them.
func TestCleanDays(t *testing.T) {
	most := *days
	if most == 0 {
		most = 6
		if testing.Short() {
			most = 2
		}
	}
	for n, p := range pagings {
		t.Run(p.name, func(t *testing.T) {
			trade(t, Options{Seed: uint64(n), Script: &Script{Name: "days"}}, p.habits, func(d *trading) {
				for day := range (most + len(pagings) - 1) / len(pagings) {
					today := d.clean(day)
					for _, r := range d.reports(today) {
						t.Errorf("%s: a report of nothing: %+v", today, r)
					}
				}
			})
		})
	}
}

// clean trades one day, from ten in the morning to shortly after midnight, and returns its date.
func (d *trading) clean(n int) (day string) {
	w := d.w
	r := w.luck.of("day", n)
	today := time.Date(w.start.Year(), w.start.Month(), w.start.Day()+n, 10, 0, 0, 0, gatewayZone)
	time.Sleep(today.Sub(w.now()))
	last := ""
	codes := []string{"pay", "pay", "pending-5s", "lost", "code-1201", "absent-1104", "never", "dropped", "cancel-race", "refund-pending", "hidden"}
	for i := range 3 + r.IntN(9) {
		id := fmt.Sprintf("D%d.%d", n, i)
		v := d.sell(id, 100+r.Int64N(9900), codes[r.IntN(len(codes))])
		if v.State == sale.Paid {
			switch r.IntN(4) {
			case 0:
				d.refund(id+"-r", id, v.Amount)
			case 1:
				last = id
				d.refund(id+"-r1", id, 1+v.Amount/3)
				d.refund(id+"-r2", id, 1+v.Amount/4)
			}
		}
		time.Sleep(between(r, time.Second, time.Hour))
	}
	midnight := today.Add(14 * time.Hour)
	time.Sleep(midnight.Add(-between(r, 0, 20*time.Second)).Sub(w.now()))
	d.sell(fmt.Sprintf("D%d.midnight", n), 700, "pending-5s")
	if time.Sleep(midnight.Add(time.Hour).Sub(w.now())); last != "" && r.IntN(2) == 0 {
		d.refund(last+"-next", last, 1)
	}
	return today.Format(time.DateOnly)
}

// A trading is a daemon that nothing befalls, and a till at it.
type trading struct {
	t *testing.T
	w *world
	*selling
	codes int
}

// trade runs a daemon for as long as f does.
func trade(t *testing.T, o Options, habits sim.Habits, f func(d *trading)) {
	t.Helper()
	dir, err := os.MkdirTemp("", "simtest")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(o, dir)
		if err := w.gw.SetHabits(habits); err != nil {
			t.Fatal(err)
		}
		w.begin()
		till := w.newSeller("T1", "1")
		d := &trading{t: t, w: w, selling: &selling{seller: till, r: w.luck.of("trade")}}
		for w.running() == nil || w.running().queue.Ready() != nil {
			time.Sleep(10 * time.Millisecond)
		}
		defer func() { // also where f gives up
			till.c.Close()
			w.end()
			w.stop()
			<-w.current.Load().gone
			w.net.close()
			w.helpers.Wait()
			for _, v := range w.violations {
				t.Error(v)
			}
		}()
		f(d)
	})
}

// sell sells with a code that the till has read, and returns the sale as it ends.
func (d *trading) sell(id string, amount int64, behaviour string) sale.View {
	d.t.Helper()
	d.codes++
	code := sim.AuthCode("alipay", behaviour, d.codes)
	req := sale.Request{ID: id, Amount: amount, Currency: "HKD", Lane: "1", AuthCode: payment.AuthCode(code)}
	d.w.books.shown(d.w, code, "1", id, behaviour, time.Since(d.w.begun))
	d.w.books.open(req, time.Since(d.w.begun))
	v, _, err := d.c.PutSale(context.Background(), req)
	for err == nil && !v.Final {
		if v.State == sale.Waiting { // for a fresh code, which nobody has
			v, err = d.c.CancelSale(context.Background(), id)
			continue
		}
		if v.State == sale.Unresolved {
			break
		}
		v, err = d.c.WaitSale(context.Background(), id, v.Seq, 30*time.Second)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", id, err)
	}
	return v
}

func (d *trading) refund(id, saleID string, amount int64) (v sale.RefundView) {
	d.t.Helper()
	time.Sleep(5 * time.Second)
	req := sale.RefundRequest{ID: id, Sale: saleID, Amount: amount}
	d.w.books.openRefund(req)
	v, _, err := d.c.PutRefund(context.Background(), req)
	for try := 0; err == nil && !v.Final && try < 20; try++ {
		v, err = d.c.WaitRefund(context.Background(), id, v.Seq, 30*time.Second)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", id, err)
	}
	return v
}

// alarms are those that stand, if cpmd keeps any.
func (d *trading) alarms() []string {
	if !audited {
		return nil
	}
	return d.w.standing()
}

// reports are what reconciliation says of a day.
func (d *trading) reports(day string) []sale.Mismatch {
	d.t.Helper()
	r, err := d.c.Reconcile(context.Background(), day)
	if err != nil {
		d.t.Fatalf("reconciliation of %s: %v", day, err)
	}
	if r.Agreed == 0 {
		d.t.Errorf("reconciliation of %s agrees on nothing", day)
	}
	return slices.Concat(r.OnlyHere, r.OnlyThere, r.Different)
}

func or(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}
