package till

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"cpmd/queue/sale"
)

// A DayView is what happened on a day: each sale and refund that tills were told of, as it stood at the day's end.
type DayView struct {
	Day     string      `json:"day"`
	From    time.Time   `json:"from"`
	To      time.Time   `json:"to"`
	Sales   []DaySale   `json:"sales"` // oldest first
	Refunds []DayRefund `json:"refunds"`
	// Books is the last comparison with QFPay's list that was made, of whatever day; null where there is none.
	Books *sale.Reconciliation `json:"books"`
}

// A DaySale is a sale with how long its parts took.
type DaySale struct {
	sale.View
	AnsweredMS *int64     `json:"answered_ms,omitempty"` // from the first submission to QFPay's answer
	PaidMS     *int64     `json:"paid_ms,omitempty"`     // from the first submission to paid
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	sentAt     time.Time
}

// A DayRefund is a refund.
type DayRefund struct {
	sale.RefundView
	EndedAt *time.Time `json:"ended_at,omitempty"`
}

func (s *Server) location() *time.Location {
	if s.cfg.Location == nil {
		return time.UTC
	}
	return s.cfg.Location
}

// day gathers a day from the event stream, where every change stands with its moment.
func (s *Server) day(ctx context.Context, a *ask) (int, any, error) {
	if a.day == "" {
		a.day = time.Now().In(s.location()).Format(time.DateOnly)
	}
	from, to, err := sale.DayBounds(a.day, s.location())
	if err != nil {
		return 0, nil, err
	}
	v := DayView{Day: a.day, From: from.UTC(), To: to.UTC(), Sales: []DaySale{}, Refunds: []DayRefund{}}
	sales, refunds := map[string]int{}, map[string]int{}
	after, err := s.seqBefore(ctx, from)
	for more := true; more && err == nil; {
		var list []sale.Notice
		if list, err = s.desk.Notices(ctx, after, batch); err != nil {
			break
		}
		more = len(list) == batch
		var seen []sale.Notice
		if seen, err = s.noticesFor(ctx, a.access, list); err != nil {
			break
		}
		for _, n := range seen {
			if n.At.Before(from) || !n.At.Before(to) {
				continue // also where the clock was set back
			}
			switch n.Kind {
			case "sale":
				err = v.sale(n, sales)
			case "refund":
				err = v.refund(n, refunds)
			}
			if err != nil {
				return 0, nil, err
			}
		}
		if len(list) > 0 {
			after = list[len(list)-1].Seq
			more = more && list[len(list)-1].At.Before(to)
		}
	}
	if err != nil {
		return 0, nil, err
	}
	books, err := s.desk.LastReconciliation(ctx, "")
	if refused := (*sale.Error)(nil); err == nil {
		v.Books = &books
	} else if !errors.As(err, &refused) || refused.Code != sale.UnknownDay {
		return 0, nil, err
	}
	return http.StatusOK, dayAnswer{v, s}, nil
}

// seqBefore finds the last seq before a moment.
func (s *Server) seqBefore(ctx context.Context, t time.Time) (seq int64, err error) {
	last, err := s.desk.LastSeq(ctx)
	if err != nil {
		return 0, err
	}
	n := sort.Search(int(last), func(i int) bool {
		list, e := s.desk.Notices(ctx, int64(i), 1)
		if e != nil {
			err = e
		}
		return len(list) == 0 || !list[0].At.Before(t)
	})
	return int64(n), err
}

// row is the row of an id; a new one comes behind those that are there.
func row[T any](rows *[]T, at map[string]int, id string) *T {
	i, known := at[id]
	if !known {
		i = len(*rows)
		at[id] = i
		*rows = append(*rows, *new(T))
	}
	return &(*rows)[i]
}

func (d *DayView) sale(n sale.Notice, at map[string]int) error {
	var v sale.View
	if err := json.Unmarshal(n.Data, &v); err != nil {
		return err
	}
	s := row(&d.Sales, at, v.ID)
	was := s.State
	s.View = whole(v)
	took := func() *int64 { ms := n.At.Sub(s.sentAt).Milliseconds(); return &ms }
	switch {
	case v.State == sale.Paying && s.sentAt.IsZero():
		s.sentAt = n.At
	case was == sale.Paying && v.State != sale.Paying && s.AnsweredMS == nil && !s.sentAt.IsZero():
		s.AnsweredMS = took()
	}
	if v.Final && s.EndedAt == nil {
		ended := sale.Shown(n.At)
		s.EndedAt = &ended
		if v.State == sale.Paid && !s.sentAt.IsZero() {
			s.PaidMS = took()
		}
	}
	return nil
}

func (d *DayView) refund(n sale.Notice, at map[string]int) error {
	var v sale.RefundView
	if err := json.Unmarshal(n.Data, &v); err != nil {
		return err
	}
	r := row(&d.Refunds, at, v.ID)
	r.RefundView = v
	if v.Final && r.EndedAt == nil {
		ended := sale.Shown(n.At)
		r.EndedAt = &ended
	}
	return nil
}

// A dayAnswer is a DayView that can be a table too.
type dayAnswer struct {
	DayView
	s *Server
}

var dayColumns = []string{"kind", "id", "sale", "lane", "ticket", "amount", "currency", "state", "reason", "wallet", "refunded", "opened_at",
	"ended_at", "seconds_to_paid", "out_trade_no", "syssn", "operator", "shift", "by"}

// CSV is the day as a table (RFC 4180) that spreadsheets open as it is: UTF-8 with its mark, times of the shop.
func (d dayAnswer) CSV() []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	_ = w.Write(dayColumns)
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.In(d.s.location()).Format(time.DateTime)
	}
	for _, v := range d.Sales {
		var number, syssn, took string
		if n := len(v.Payments); n > 0 {
			number, syssn = v.Payments[n-1].OutTradeNo, v.Payments[n-1].SysSN
		}
		if v.PaidMS != nil {
			took = strconv.FormatFloat(float64(*v.PaidMS)/1000, 'f', 1, 64)
		}
		d.row(w, "sale", v.ID, "", v.Lane, v.Ticket, d.s.decimal(v.Amount, v.Currency), v.Currency, string(v.State), string(v.Reason), v.Wallet,
			d.s.decimal(v.Refunded, v.Currency), at(&v.CreatedAt), at(v.EndedAt), took, number, syssn, v.Operator, v.Shift, v.By)
	}
	for _, v := range d.Refunds {
		d.row(w, "refund", v.ID, v.Sale, "", "", d.s.decimal(v.Amount, v.Currency), v.Currency, string(v.State), "", "", "", at(&v.CreatedAt),
			at(v.EndedAt), "", v.OutTradeNo, v.SysSN, "", "", v.By)
	}
	w.Flush() // into memory: it cannot fail
	return b.Bytes()
}

// row writes a row in which no text is a formula to a spreadsheet: tills choose some of them.
func (d dayAnswer) row(w *csv.Writer, cells ...string) {
	for i, c := range cells {
		if strings.ContainsRune("=+-@\t\r", rune((c + " ")[0])) {
			cells[i] = "'" + c
		}
	}
	_ = w.Write(cells)
}
