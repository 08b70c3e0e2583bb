package payment

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	pageSize   = 100 // the most QFPay gives (transaction-enquiry page)
	shortPage  = 10  // its default: less than that is no page that another must follow
	queryPages = 20
	listPages  = 2000
)

// A listing is what one question brought, all pages together.
type listing struct {
	items    []Item
	whole    bool      // read to the end, or as far as needed, each page properly answered
	unread   bool      // a row is there that cannot be read
	genuine  bool      // each page has a genuine signature
	stripped bool      // a page has lost its signature
	date     time.Time // of the last page, by QFPay's clock; zero where it told none
	top      Answer    // if not whole: what went wrong
	setup    bool      // QFPay refused the question for a fault of setup
}

// list reads page after page until one is empty or brings nothing new: how many rows QFPay puts on one is for it to
// say, whatever it was asked for. Rows move on to the next page when something is paid meanwhile, so a page may begin
// with the end of the last one. It stops before where the items so far are enough, given the page size that QFPay tells.
func (c *Client) list(ctx context.Context, f form, pages int, with claim, enough func(items []Item, size int) bool) listing {
	l := listing{genuine: true}
	seen, fullest := map[Item]bool{}, 0
	for n := 1; n <= pages; n++ {
		r := c.exchange(ctx, endQuery, f.with(field{"page", strconv.Itoa(n)}, field{"page_size", strconv.Itoa(pageSize)}), "", with)
		p := r.page()
		l.date, l.unread = r.date, l.unread || p.unread
		l.genuine, l.stripped = l.genuine && r.seal == genuine, l.stripped || r.seal == stripped
		known := len(l.items)
		for _, i := range p.items {
			if !seen[i] {
				l.items = append(l.items, i)
			}
		}
		for _, i := range p.items {
			seen[i] = true
		}
		news := len(l.items) > known
		switch {
		case p.top.Meaning != "":
			l.top, l.setup = p.top, p.setup
			return l
		case len(p.items) == 0, !news && (len(p.items) < shortPage || len(p.items) < fullest), enough(l.items, p.size):
			l.whole = true
			return l
		case !news:
			l.top = Answer{Meaning: Unknown, Err: errors.New("QFPay keeps sending the same page")}
			return l
		}
		fullest = max(fullest, len(p.items))
	}
	l.top = Answer{Meaning: Unknown, Err: fmt.Errorf("QFPay's list does not end after %d pages", pages)}
	return l
}

// A page is what one answer lists.
type page struct {
	items  []Item
	size   int    // of a page, as QFPay says; 0 where it does not
	unread bool   // it has a row that cannot be read
	top    Answer // has a Meaning where the page proves nothing
	setup  bool
}

// page reads one page. 0000 says that the question was answered; "no such transaction" is an answer too.
func (r reply) page() (p page) {
	respCD := r.respcd()
	top, bad := r.unusable()
	switch {
	case bad && top.Meaning == NotSent: // the question was not, which says nothing of the transaction
		top.Meaning = Unknown
		p.top = top
	case bad:
		p.top = top
	case meaning(respCD, payAnswer).Meaning == NotFound:
	case respCD != "0000" || r.status/100 != 2:
		says := meaning(respCD, payAnswer)
		p.setup = says.Meaning == Misconfigured
		p.top = Answer{Meaning: Unknown, Alarm: says.Alarm, RespCD: respCD, Text: r.object.says("resperr", "respmsg"),
			Err: fmt.Errorf("QFPay refuses the query: HTTP %d, respcd %q", r.status, respCD)}
	default:
		p.size, _ = strconv.Atoi(r.object.text("page_size"))
		rows, err := r.object.rows("data")
		for _, row := range rows {
			i, bad := readItem(row)
			if bad != nil {
				err, p.unread = bad, true
				continue
			}
			p.items = append(p.items, i)
		}
		if err != nil {
			p.top = Answer{Meaning: Unknown, Err: fmt.Errorf("cannot read QFPay's list: %w", err)}
		}
	}
	return p
}
