package sim

import (
	"fmt"
	"maps"
	"time"
)

// A ListPlan says how queries list a payment or a refund. The zero value lists it once, as it is.
type ListPlan struct {
	Lag      Duration          `json:"lag,omitempty"`       // as it was that long ago
	PaidOnly bool              `json:"paid_only,omitempty"` // not before it is paid; of a refund: done
	Flap     int               `json:"flap,omitempty"`      // in so many lists, then out of as many, and so on
	Miss     bool              `json:"miss,omitempty"`      // never
	Copies   int               `json:"copies,omitempty"`    // so many times more in the same list
	Twins    int               `json:"twins,omitempty"`     // likewise, each with a syssn of its own
	Show     map[string]string `json:"show,omitempty"`      // values in place of the true ones: (none) leaves a field out, (null) is null
}

const (
	noField   = "(none)"
	nullField = "(null)"
)

func (p ListPlan) check() error {
	if p.Flap < 0 || p.Copies < 0 || p.Twins < 0 {
		return fmt.Errorf("list: flap %d, copies %d and twins %d: numbers from 0 are needed", p.Flap, p.Copies, p.Twins)
	}
	return nil
}

// listed reports whether the nth list from 0 that it might be in has it.
func (p ListPlan) listed(n int) bool {
	return !p.Miss && (p.Flap == 0 || n/p.Flap%2 == 0)
}

// A mark is what queries show of a payment from a time on.
type mark struct {
	at             time.Time
	respcd, cancel string
	paid           time.Time
}

func (o *order) mark(at time.Time) { o.marks = append(o.marks, mark{at, o.respcd, o.cancel, o.paid}) }

// asOf is the payment as it was at a time; nil if it was not there.
func (o *order) asOf(t time.Time) *order {
	for i := len(o.marks) - 1; i >= 0; i-- {
		if m := o.marks[i]; !m.at.After(t) {
			then := *o
			then.respcd, then.cancel, then.paid = m.respcd, m.cancel, m.paid
			return &then
		}
	}
	return nil
}

// listings are the items of a payment in a list that is made now.
func (g *Gateway) listings(o *order, now time.Time) []entry {
	n := o.looks
	o.looks++
	if !o.list.listed(n) || o.list.PaidOnly && o.charges == 0 {
		return nil
	}
	if lag := max(o.list.Lag, g.habits.ListLag); lag > 0 {
		then := o.asOf(now.Add(-time.Duration(lag)))
		if then == nil {
			return nil
		}
		return o.list.edited(g.itemsOf(then))
	}
	return o.list.edited(g.itemsOf(o))
}

// backListings are those of a refund.
func (g *Gateway) backListings(r *refund, now time.Time) []entry {
	n := r.looks
	r.looks++
	lag := time.Duration(max(r.list.Lag, g.habits.ListLag))
	if !r.list.listed(n) || r.list.PaidOnly && r.state != Refunded || r.created.After(now.Add(-lag)) {
		return nil
	}
	return r.list.edited([]entry{{r.created, g.refundItem(r), "refunditem"}})
}

// edited puts other values into the last item, which is the thing itself, and repeats it.
func (p ListPlan) edited(list []entry) []entry {
	last := list[len(list)-1]
	for k, v := range p.Show {
		switch v {
		case nullField:
			last.item[k] = nil
		default:
			last.item[k] = v
		}
	}
	for range p.Copies {
		list = append(list, last)
	}
	for n := range p.Twins {
		twin := last
		twin.item = maps.Clone(last.item)
		twin.item["syssn"] = fmt.Sprintf("%s0003000299%08d", last.at.Format("20060102"), n)
		list = append(list, twin)
	}
	return list
}

// page is the part of a list that a query gets.
func (g *Gateway) page(found []entry, page, size int) []entry {
	if n := g.habits.ListMisses; n > 0 {
		var kept []entry
		for i, e := range found {
			if (i+1)%n != 0 {
				kept = append(kept, e)
			}
		}
		found = kept
	}
	if g.habits.PageSize > 0 {
		size = g.habits.PageSize
	}
	if last := max((len(found)+size-1)/size, 1); g.habits.PageRepeats {
		page = min(page, last)
	}
	first := min((page-1)*size, len(found))
	return found[first:min(first+size, len(found))]
}
