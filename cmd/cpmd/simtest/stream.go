package simtest

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	"cpmd/queue/sale"
)

// allowed is where a sale may go from one event that tills see to the next. (I5)
var allowed = map[sale.State][]sale.State{
	"":              {sale.Waiting, sale.Paying},
	sale.Waiting:    {sale.Paying, sale.Paid, sale.NotPaid},
	sale.Paying:     {sale.Waiting, sale.Confirming, sale.Reversing, sale.Unresolved, sale.Paid, sale.NotPaid},
	sale.Confirming: {sale.Waiting, sale.Reversing, sale.Unresolved, sale.Paid, sale.NotPaid},
	sale.Reversing:  {sale.Unresolved, sale.Paid, sale.NotPaid},
	sale.Unresolved: {sale.Paid, sale.NotPaid},
}

// undisturbed: the process lived through it all, its clock was right and its disk took everything, so it can have
// kept its times.
func (w *world) undisturbed() bool {
	m := w.mix
	return len(w.lives) == 1 && m.Jump+m.DiskFull+m.WriteFails+m.FsyncFails == 0
}

// judgeStream replays the event stream: it tells what tills were told, in an order that is allowed. (I9)
func (w *world) judgeStream(d *daemon) {
	b := &w.books
	all, err := d.journal.PastNotices(0, 1_000_000)
	if err != nil {
		w.wrong("events: %v", err)
		return
	}
	at := map[int64]sale.View{}
	last := map[string]sale.View{}
	text := map[int64]string{}
	decideBy := map[string]time.Time{}
	seq := int64(0)
	for _, n := range all {
		if n.Seq <= seq {
			w.wrong("event %d follows event %d", n.Seq, seq)
		}
		seq = n.Seq
		text[n.Seq] = n.Kind + " " + string(n.Data)
		if n.Kind != "sale" {
			continue
		}
		var v sale.View
		if err := json.Unmarshal(n.Data, &v); err != nil {
			w.wrong("event %d: %v", n.Seq, err)
		}
		from := last[v.ID].State
		if by, promised := decideBy[v.ID]; promised && n.At.After(by) && (v.Final || v.State == sale.Unresolved) && w.undisturbed() {
			w.wrong("sale %s was to be decided by %v, and is only at %v", v.ID, by, n.At)
		}
		if delete(decideBy, v.ID); v.DecideBy != nil {
			decideBy[v.ID] = *v.DecideBy
		}
		if from != v.State && !slices.Contains(allowed[from], v.State) {
			w.wrong("sale %s went from %s to %s", v.ID, from, v.State)
		}
		if from == sale.Unresolved && v.State.Final() {
			w.saw("unresolved, then " + string(v.State))
		}
		if v.State == sale.Reversing && from != v.State {
			w.saw("reversing")
		}
		at[n.Seq], last[v.ID] = v, v
	}
	for _, id := range b.order {
		for _, v := range b.sales[id].told {
			was, ok := at[v.Seq]
			was.Refunded = v.Refunded // refunds have events of their own
			if v.Delivery == sale.Returned {
				was.Delivery, was.Message = v.Delivery, v.Message // likewise
			}
			if !ok || !reflect.DeepEqual(was, v) {
				w.wrong("sale %s was told as of event %d, which says something else:\n%+v\n%+v", id, v.Seq, v, was)
			}
		}
	}
	for i, n := range b.stream {
		if text[n] != b.streamed[n] {
			w.wrong("event %d was %s when it came, and is %s", n, b.streamed[n], text[n])
		}
		if i > 0 {
			for _, m := range all {
				if m.Seq > b.stream[i-1] && m.Seq < n {
					w.wrong("event %d was left out", m.Seq)
				}
			}
		}
	}
}
