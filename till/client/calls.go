package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"cpmd/queue/sale"
)

// A query builds what follows the "?" of a URL.
type query url.Values

func (q query) add(name, v string) query {
	if v != "" {
		url.Values(q).Set(name, v)
	}
	return q
}

func (q query) path(p string) string {
	if len(q) == 0 {
		return p
	}
	return p + "?" + url.Values(q).Encode()
}

func salePath(id string) string   { return "/v1/sales/" + url.PathEscape(id) }
func refundPath(id string) string { return "/v1/refunds/" + url.PathEscape(id) }

// PutSale opens a sale, or finds the one that the same request opened before; created tells which.
func (c *Client) PutSale(ctx context.Context, r sale.Request) (v sale.View, created bool, err error) {
	status, err := c.call(ctx, http.MethodPut, salePath(r.ID), struct {
		Amount   int64             `json:"amount"`
		Currency string            `json:"currency"`
		Lane     string            `json:"lane,omitempty"`
		Ticket   string            `json:"ticket,omitempty"`
		AuthCode string            `json:"auth_code,omitempty"`
		Deliver  bool              `json:"confirm_delivery,omitempty"`
		Again    bool              `json:"again,omitempty"`
		Operator string            `json:"operator,omitempty"`
		Shift    string            `json:"shift,omitempty"`
		Metadata map[string]string `json:"metadata,omitempty"`
	}{r.Amount, r.Currency, r.Lane, r.Ticket, r.AuthCode.Reveal(), r.ConfirmDelivery, r.Again, r.Operator, r.Shift, r.Metadata}, &v, 0)
	return v, status == http.StatusCreated, err
}

// Sale returns a sale as it stands.
func (c *Client) Sale(ctx context.Context, id string) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodGet, salePath(id), nil, &v, 0)
	return v, err
}

// WaitSale returns a sale as soon as its Seq is greater than after or it is final, and as it stands after wait
// (60 s at most).
func (c *Client) WaitSale(ctx context.Context, id string, after int64, wait time.Duration) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodGet, waiting(after, wait).path(salePath(id)), nil, &v, wait)
	return v, err
}

func waiting(after int64, wait time.Duration) query {
	return query{}.add("wait", wait.String()).add("after", strconv.FormatInt(after, 10))
}

// CancelSale asks to stop a sale; its state says what comes of it.
func (c *Client) CancelSale(ctx context.Context, id string) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodPost, salePath(id)+"/cancel", nil, &v, 0)
	return v, err
}

// ConfirmDelivery tells cpmd that the goods of a paid sale are handed over.
func (c *Client) ConfirmDelivery(ctx context.Context, id string) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodPost, salePath(id)+"/delivered", nil, &v, 0)
	return v, err
}

// Resolve gives an operator's word on an unresolved sale. cpmd knows by itself who gives it.
func (c *Client) Resolve(ctx context.Context, d sale.Resolution) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodPost, salePath(d.ID)+"/resolve", resolution(d), &v, 0)
	return v, err
}

// ResolveRefund is to refunds what Resolve is to sales.
func (c *Client) ResolveRefund(ctx context.Context, d sale.Resolution) (v sale.RefundView, err error) {
	_, err = c.call(ctx, http.MethodPost, refundPath(d.ID)+"/resolve", resolution(d), &v, 0)
	return v, err
}

func resolution(d sale.Resolution) any {
	return struct {
		Outcome    sale.State `json:"outcome"`
		Note       string     `json:"note"`
		EvenThough bool       `json:"even_though,omitempty"`
	}{d.Outcome, d.Note, d.EvenThough}
}

// AskNow has QFPay asked at once what became of a sale.
func (c *Client) AskNow(ctx context.Context, id string) (v sale.View, err error) {
	_, err = c.call(ctx, http.MethodPost, salePath(id)+"/ask", nil, &v, 0)
	return v, err
}

// Alarms lists the alarms that stand, newest first, and with all the settled ones.
func (c *Client) Alarms(ctx context.Context, all bool) ([]sale.AlarmView, error) {
	q := query{}
	if all {
		q.add("all", "1")
	}
	var v struct{ Alarms []sale.AlarmView }
	_, err := c.call(ctx, http.MethodGet, q.path("/v1/alarms"), nil, &v, 0)
	return v.Alarms, err
}

// SettleAlarm notes that a person has looked at an alarm.
func (c *Client) SettleAlarm(ctx context.Context, seq int64, note string) (v sale.AlarmView, err error) {
	_, err = c.call(ctx, http.MethodPost, "/v1/alarms/"+strconv.FormatInt(seq, 10)+"/settle", map[string]string{"note": note}, &v, 0)
	return v, err
}

// LastReconciliation is the kept comparison of a day, "" of the newest one.
func (c *Client) LastReconciliation(ctx context.Context, day string) (v sale.Reconciliation, err error) {
	_, err = c.call(ctx, http.MethodGet, query{}.add("day", day).add("last", "1").path("/v1/reconciliation"), nil, &v, 0)
	return v, err
}

// Receipt is the receipt of a paid sale, with text of 32 or 42 columns.
func (c *Client) Receipt(ctx context.Context, id string, width int) (v sale.Receipt, err error) {
	_, err = c.call(ctx, http.MethodGet, query{}.add("width", strconv.Itoa(width)).path(salePath(id)+"/receipt"), nil, &v, 0)
	return v, err
}

// Story tells a sale's whole life.
func (c *Client) Story(ctx context.Context, id string) (v sale.Story, err error) {
	_, err = c.call(ctx, http.MethodGet, salePath(id)+"/story", nil, &v, 0)
	return v, err
}

// Reconcile compares a day with QFPay's list, which takes a while.
func (c *Client) Reconcile(ctx context.Context, day string) (v sale.Reconciliation, err error) {
	_, err = c.call(ctx, http.MethodGet, query{}.add("day", day).path("/v1/reconciliation"), nil, &v, 2*time.Minute)
	return v, err
}

// Sales lists sales, newest first.
func (c *Client) Sales(ctx context.Context, f sale.Filter) ([]sale.View, error) {
	q := query{}.add("state", string(f.State)).add("lane", f.Lane).add("day", f.Day).add("ticket", f.Ticket)
	if f.Limit != 0 {
		q.add("limit", strconv.Itoa(f.Limit))
	}
	var v struct{ Sales []sale.View }
	_, err := c.call(ctx, http.MethodGet, q.path("/v1/sales"), nil, &v, 0)
	return v.Sales, err
}

// PutRefund refunds a paid sale, whole or in part, or finds the refund that the same request made before.
func (c *Client) PutRefund(ctx context.Context, r sale.RefundRequest) (v sale.RefundView, created bool, err error) {
	status, err := c.call(ctx, http.MethodPut, refundPath(r.ID), struct {
		Sale   string `json:"sale"`
		Amount int64  `json:"amount"`
	}{r.Sale, r.Amount}, &v, 0)
	return v, status == http.StatusCreated, err
}

// Refund returns a refund as it stands.
func (c *Client) Refund(ctx context.Context, id string) (v sale.RefundView, err error) {
	_, err = c.call(ctx, http.MethodGet, refundPath(id), nil, &v, 0)
	return v, err
}

// WaitRefund is to refunds what WaitSale is to sales.
func (c *Client) WaitRefund(ctx context.Context, id string, after int64, wait time.Duration) (v sale.RefundView, err error) {
	_, err = c.call(ctx, http.MethodGet, waiting(after, wait).path(refundPath(id)), nil, &v, wait)
	return v, err
}

// Totals sums a day, YYYY-MM-DD; "" is today.
func (c *Client) Totals(ctx context.Context, day string) (v sale.Totals, err error) {
	_, err = c.call(ctx, http.MethodGet, query{}.add("day", day).path("/v1/totals"), nil, &v, 0)
	return v, err
}

// Lanes lists the counter positions.
func (c *Client) Lanes(ctx context.Context) ([]sale.LaneView, error) {
	var v struct{ Lanes []sale.LaneView }
	_, err := c.call(ctx, http.MethodGet, "/v1/lanes", nil, &v, 0)
	return v.Lanes, err
}

// Scan feeds a lane whose scanner is virtual.
func (c *Client) Scan(ctx context.Context, lane, code string) error {
	var v any
	_, err := c.call(ctx, http.MethodPost, "/v1/lanes/"+url.PathEscape(lane)+"/scan",
		map[string]string{"code": code}, &v, 0)
	return err
}

// Diagnosis returns the page for the person who looks after the counter.
func (c *Client) Diagnosis(ctx context.Context) (v sale.Diagnosis, err error) {
	_, err = c.call(ctx, http.MethodGet, "/v1/diagnosis", nil, &v, 0)
	return v, err
}

// Reload has a changed configuration taken over, and returns what was changed.
func (c *Client) Reload(ctx context.Context) ([]string, error) {
	var v struct{ Changed []string }
	_, err := c.call(ctx, http.MethodPost, "/v1/reload", nil, &v, 0)
	return v.Changed, err
}

// A PageLink opens the operator's page in a browser, once and soon, and the customer display.
type PageLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
	Display   string    `json:"display"` // empty: no endpoint has it
}

// PageLink makes a link for an operator, whose name may be "".
func (c *Client) PageLink(ctx context.Context, operator string) (v PageLink, err error) {
	_, err = c.call(ctx, http.MethodPost, "/v1/page/links", struct {
		Operator string `json:"operator,omitempty"`
	}{operator}, &v, 0)
	return v, err
}
