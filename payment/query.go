package payment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Query asks what became of one payment or refund: POST /trade/v1/query (QFPay docs, transaction-enquiry page).
//
// Without times QFPay looks at its current month only, so a transaction of the last minutes of a month is not
// found in the next. Where the number alone finds nothing, Query asks for each month since
// Query.Created, and for the syssn. NotFound is Searched if all of them were answered, and the clocks tell which
// months those are.
//
// The number and the syssn are never sent together: QFPay does not say whether either or both have to fit.
func (c *Client) Query(ctx context.Context, q Query) QueryResult {
	if !numberForm.MatchString(q.OutTradeNo) {
		return QueryResult{Answer: Answer{Meaning: Unknown, Err: errors.New("out_trade_no must be 1 to 32 letters, digits or _")}}
	}
	number := newForm(field{"out_trade_no", q.OutTradeNo})
	questions, unsure, genuine := []form{number}, error(nil), true
	for n := 0; n < len(questions); n++ {
		l := c.list(ctx, questions[n], queryPages, claim{q.Urgency.class(), q.Created}, q.enough)
		genuine = genuine && l.genuine
		found, ok := q.judge(l.items)
		if !ok && l.unread {
			found.Listed, ok = true, true
		}
		switch {
		case ok && found.Meaning == Paid && l.stripped:
			found.Answer = Answer{Meaning: Unknown, RespCD: found.RespCD, Text: found.Text, Alarm: noSignature}
		case ok && !l.whole && found.Meaning != Paid:
			found.Answer = Answer{Meaning: Unknown, Alarm: found.Alarm, Err: l.top.Err, RespCD: l.top.RespCD, Text: l.top.Text}
		case ok:
		case !l.whole && n == 0:
			found = QueryResult{Answer: l.top, Setup: l.setup}
		case !l.whole:
			found.Answer = l.top
			found.Meaning = NotFound
		default:
			if n == 0 {
				var others []form
				others, unsure = q.others(number, l.date, c.location)
				questions = append(questions, others...)
			}
			continue
		}
		found.Genuine = genuine
		return found
	}
	return QueryResult{Answer: Answer{Meaning: NotFound, Err: unsure, Genuine: genuine}, Searched: unsure == nil}
}

// enough reports whether the rest of a list may be left unread. A customer need not wait for it: it cannot make "paid"
// undone, and whether the money was taken twice is for those who have the time to read on. Else it may be where one item
// came, QFPay says that a page would hold more, and the payment is paid or pending: the polls of a payment cost one
// request and not two. A failed item alone is not enough: another attempt under the same number may be paid, and a page
// may hold fewer items than it says.
func (q Query) enough(items []Item, size int) bool {
	found, ok := q.judge(items)
	switch {
	case !ok:
		return false
	case found.Meaning == Paid && q.Urgency == Customer:
		return true
	}
	return len(items) == 1 && size > 1 && (found.Meaning == Paid || found.Meaning == Pending)
}

// List returns every row that QFPay's clock (sysdtm) puts between two times, the end not included, for comparing a
// day's books: payments and refunds, of any outcome, and whatever else QFPay keeps there. Its requests wait as those of
// an Audit. A row without a number of any kind is an error, as a list that cannot be read to its end is.
func (c *Client) List(ctx context.Context, start, end time.Time) ([]Item, error) {
	if !start.Before(end) || end.After(start.AddDate(0, mostMonths, 0)) {
		return nil, fmt.Errorf("a list's end must be after its start, by %d months at most", mostMonths)
	}
	var all []Item
	for from := start; from.Before(end); {
		until := month(from, c.location).AddDate(0, 1, 0) // QFPay lists no range that crosses months
		if end.Before(until) {
			until = end
		}
		l := c.list(ctx, newForm(field{"start_time", FormatTime(from, c.location)}, field{"end_time", FormatTime(until.Add(-time.Second), c.location)}),
			listPages, claim{class: audit}, func([]Item, int) bool { return false })
		switch {
		case l.whole:
		case l.top.Alarm != "":
			return nil, errors.New(l.top.Alarm)
		default:
			return nil, fmt.Errorf("QFPay gave no whole list: %w", l.top.Err)
		}
		all, from = append(all, l.items...), until
	}
	return all, nil
}

// others are the questions that, with the number alone, cover wherever the transaction may be. The error says why
// they do not. QFPay's clock is zero where it told none.
func (q Query) others(number form, qfpay time.Time, loc *time.Location) (all []form, err error) {
	months, err := q.months(qfpay, loc)
	for _, first := range months {
		end := first.AddDate(0, 1, 0).Add(-time.Second)
		all = append(all, number.with(field{"start_time", FormatTime(first, loc)}, field{"end_time", FormatTime(end, loc)}))
	}
	if q.SysSN != "" {
		all = append(all, newForm(field{"syssn", q.SysSN}))
	}
	return all, err
}

const (
	// clockTolerance is how far this machine's clock may have been off unnoticed.
	clockTolerance = 24 * time.Hour
	// mostMonths is how many months are searched for one transaction.
	mostMonths = 24
)

// months are the first moments of all months since Created, by this machine's clock and by QFPay's, whichever is
// earlier. A month that has not begun is left out: if it has at QFPay, it is the one that a question without times
// covers. The error says that the clocks do not tell the months; then they are QFPay's current and last ones.
func (q Query) months(qfpay time.Time, loc *time.Location) (all []time.Time, err error) {
	now := orDefault(q.Now, time.Now())
	qfpay = orDefault(qfpay, now)
	since := q.Created
	if t := q.Created.Add(qfpay.Sub(now)); t.Before(since) {
		since = t
	}
	since = since.Add(-clockTolerance)
	switch {
	case q.Created.IsZero():
		err = errors.New("nothing was found, which proves nothing: it is not known when the request was made")
	case q.Created.After(now.Add(clockTolerance)):
		err = errors.New("nothing was found, which proves nothing: this machine's clock went back since the request was made")
	case since.Before(qfpay.AddDate(0, -mostMonths, 0)):
		err = fmt.Errorf("nothing was found, which proves nothing: the request was made more than %d months ago by this machine's clock; if that is wrong, set the clock", mostMonths)
	}
	if err != nil { // it may be found all the same
		since = qfpay.AddDate(0, 0, -32)
	}
	for m := month(since, loc); !m.After(qfpay); m = m.AddDate(0, 1, 0) {
		all = append(all, m)
	}
	return all, err
}

func month(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, loc)
}
