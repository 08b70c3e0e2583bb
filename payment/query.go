package payment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Query asks what became of one payment or refund: POST /trade/v1/query (QFPay docs, transaction-enquiry page).
//
// Without times QFPay looks at its current month only, so a transaction of the last minutes of a month is not
// found in the next. Where the number alone finds nothing, Query asks for each month since
// Question.Created, and for the syssn. NotFound is Searched if all of them were answered, and the clocks tell which
// months those are.
//
// The number and the syssn are never sent together: QFPay does not say whether either or both have to fit.
func (c *Client) Query(ctx context.Context, q Query) QueryResult {
	if !numberForm.MatchString(q.OutTradeNo) {
		return QueryResult{Answer: Answer{Meaning: Unknown, Err: errors.New("out_trade_no must be 1 to 32 letters, digits or _")}}
	}
	number := newForm(field{"out_trade_no", q.OutTradeNo})
	questions, unsure := []form{number}, error(nil)
	for n := 0; n < len(questions); n++ {
		l := c.list(ctx, questions[n], queryPages, claim{q.Urgency.class(), q.Created})
		found, ok := q.judge(l.items)
		switch {
		case ok && (l.whole || found.Meaning == Paid):
			return found
		case ok:
			found.Answer = Answer{Meaning: Unknown, Alarm: found.Alarm, Err: l.top.Err, RespCD: l.top.RespCD, Text: l.top.Text}
			return found
		case !l.whole && n == 0:
			return QueryResult{Answer: l.top, Setup: l.setup}
		case !l.whole:
			l.top.Meaning = NotFound
			return QueryResult{Answer: l.top}
		}
		if n == 0 {
			var others []form
			others, unsure = q.others(number, l.date, c.location)
			questions = append(questions, others...)
		}
	}
	return QueryResult{Answer: Answer{Meaning: NotFound, Err: unsure}, Searched: unsure == nil}
}

// List returns all transactions that QFPay's clock (sysdtm) puts between two times, the end not included, for
// comparing a day's books. Both have to be in one calendar month of Config.Location.
func (c *Client) List(ctx context.Context, start, end time.Time) ([]Item, error) {
	last := end.Add(-time.Second)
	if last.Before(start) || month(start, c.location) != month(last, c.location) {
		return nil, errors.New("a list's end must be after its start and in the same calendar month; ask month by month")
	}
	l := c.list(ctx, newForm(field{"start_time", FormatTime(start, c.location)}, field{"end_time", FormatTime(last, c.location)}), listPages, claim{class: audit})
	switch {
	case l.whole:
		return l.items, nil
	case l.top.Alarm != "":
		return nil, errors.New(l.top.Alarm)
	case l.top.Err != nil:
		return nil, l.top.Err
	}
	return nil, fmt.Errorf("QFPay refuses the list: %s %s", l.top.RespCD, l.top.Text)
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

const (
	pageSize   = 100 // the most QFPay gives (transaction-enquiry page)
	shortPage  = 10  // its default: a page of less is the last one whichever it went by
	queryPages = 20
	listPages  = 500
)

// A listing is what one question brought, all pages together.
type listing struct {
	items []Item
	whole bool      // read to the end, each page properly answered
	date  time.Time // of the last page, by QFPay's clock; zero where it told none
	top   Answer    // if not whole: what went wrong
	setup bool      // QFPay refused the question for a fault of setup
}

func (c *Client) list(ctx context.Context, f form, pages int, with claim) listing {
	var l listing
	seen := map[Item]bool{}
	for page := 1; page <= pages; page++ {
		r := c.exchange(ctx, endQuery, f.with(field{"page", strconv.Itoa(page)}, field{"page_size", strconv.Itoa(pageSize)}), "", with)
		l.date = r.date
		items, top, setup := r.items()
		known := len(l.items)
		for _, i := range items { // a page begins with the last one's end if something was paid meanwhile
			if !seen[i] {
				l.items = append(l.items, i)
			}
		}
		fresh := len(l.items) > known
		for _, i := range items {
			seen[i] = true
		}
		if top.Meaning != "" {
			l.top, l.setup = top, setup
			return l
		}
		if len(items) < shortPage {
			l.whole = true
			return l
		}
		if !fresh {
			l.top = Answer{Meaning: Unknown, Err: errors.New("QFPay sends the same page again and again")}
			return l
		}
	}
	l.top = Answer{Meaning: Unknown, Err: fmt.Errorf("QFPay's list does not end after %d pages", pages)}
	return l
}

// items reads one page. The second result has a Meaning where the page proves nothing. 0000 says that the question
// was answered; "no such transaction" is an answer too.
func (r reply) items() (items []Item, top Answer, setup bool) {
	respCD := r.respcd()
	top, bad := r.unusable()
	switch {
	case bad && top.Meaning == NotSent: // the question was not, which says nothing of the transaction
		top.Meaning = Unknown
	case bad:
	case meaning(respCD, payAnswer).Meaning == NotFound:
		return nil, Answer{}, false
	case respCD != "0000" || r.status/100 != 2:
		says := meaning(respCD, payAnswer)
		setup = says.Meaning == Misconfigured
		top = Answer{Meaning: Unknown, Alarm: says.Alarm, RespCD: respCD, Text: r.object.says("resperr", "respmsg"),
			Err: fmt.Errorf("QFPay refuses the query: HTTP %d, respcd %q", r.status, respCD)}
	default:
		rows, err := r.object.rows("data")
		for _, row := range rows {
			i, bad := readItem(row)
			if bad != nil {
				err = bad
				continue
			}
			items = append(items, i)
		}
		if err != nil {
			top = Answer{Meaning: Unknown, Err: fmt.Errorf("cannot read QFPay's list: %w", err)}
		}
	}
	return items, top, setup
}
