package sim

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// An answer is what a call comes to before it travels.
type answer struct {
	number string // out_trade_no as sent
	body   object
	reply  Reply
	orders []*order // that the call was about
	backs  []*refund

	signing string // one of AnswerSigns
}

func (a *answer) respcd() string { return a.body.text("respcd") }

// trade answers a signed call: it is judged and booked under the lock, at the moment it arrives; how the answer
// travels comes after.
func (g *Gateway) trade(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "QFPay's calls are POST", http.StatusMethodNotAllowed)
		return
	}
	if r.ContentLength < 0 {
		http.Error(w, "a body of known length is needed", http.StatusLengthRequired)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, "cannot read the body", http.StatusBadRequest)
		return
	}
	call := path.Base(r.URL.Path)
	g.mu.Lock()
	now := g.now()
	form, err := parseForm(string(body))
	a := g.judge(call, r, form, err, now)
	a.signing = g.habits.AnswerSign
	a.number = form["out_trade_no"]
	a.reply.Fault = or(g.habits.Fault, a.reply.Fault)
	g.note(call, a, now)
	g.mu.Unlock()
	g.deliver(w, r, a)
}

func (g *Gateway) judge(call string, r *http.Request, form map[string]string, broken error, now time.Time) *answer {
	g.settle(now)
	if g.tooMany(now) {
		return &answer{reply: Reply{Status: http.StatusTooManyRequests}}
	}
	if h := g.habits; h.Status != 0 {
		return &answer{reply: Reply{Status: h.Status}}
	} else if h.RespCD != "" {
		return refusal(h.RespCD, "", form)
	}
	if t := strings.ToLower(r.Header.Get("Content-Type")); !strings.HasPrefix(t, "application/x-www-form-urlencoded") {
		return refusal("1103", "Content-Type is application/x-www-form-urlencoded", nil)
	}
	if broken != nil {
		return refusal("1103", broken.Error(), nil)
	}
	if fault := g.authentic(r.Header, form); fault != "" {
		return refusal("1108", fault, form)
	}
	if respcd, respmsg := g.faulty(call, form); respcd != "" {
		return refusal(respcd, respmsg, form)
	}
	switch call {
	case "payment":
		return g.payment(form, now)
	case "query":
		return g.query(form, now)
	case "refund":
		return g.refund(form, now)
	}
	return g.cancel(call, form, now)
}

// refusal is an answer about a call that made no transaction.
func refusal(respcd, respmsg string, form map[string]string) *answer {
	v := map[string]any{"respcd": respcd, "respmsg": respmsg, "resperr": textOf(respcd)}
	for _, name := range []string{"out_trade_no", "txcurrcd"} {
		if form[name] != "" {
			v[name] = form[name]
		}
	}
	return &answer{body: brief(v)}
}

func (g *Gateway) tooMany(now time.Time) bool {
	if now.Before(g.busyUntil) {
		return true
	}
	if g.cfg.RatePerMinute == 0 {
		return false
	}
	g.calls = slices.DeleteFunc(g.calls, func(t time.Time) bool { return !t.After(now.Add(-time.Minute)) })
	if len(g.calls) >= g.cfg.RatePerMinute {
		return true
	}
	g.calls = append(g.calls, now)
	return false
}

// note enters a call into the ledger, beside whatever it was about.
func (g *Gateway) note(call string, a *answer, now time.Time) {
	g.count++
	q := Request{At: now, Call: call, OutTradeNo: a.number, RespCD: a.respcd(), Reply: a.reply}
	if o := g.byNo[a.number]; o != nil && len(a.orders)+len(a.backs) == 0 {
		a.orders = []*order{o}
	}
	for _, o := range a.orders {
		o.requests = append(o.requests, q)
		if call == "payment" {
			o.posts++
		}
	}
	for _, r := range a.backs {
		r.requests = append(r.requests, q)
		if call == "refund" {
			r.posts++
		}
	}
	if len(a.orders)+len(a.backs) == 0 {
		g.strays = append(g.strays, q)
	}
	if g.cfg.Log != nil {
		fmt.Fprintf(g.cfg.Log, "%s %-8s %s %s %s\n", now.Format(time.RFC3339), call,
			or(a.respcd(), "----"), or(a.number, "-"), a.reply.words())
	}
}

// words tells a reply's peculiarities in a few words.
func (r Reply) words() string {
	var words []string
	if r.Code != "" {
		words = append(words, "code="+r.Code)
	}
	if r.Fault != "" {
		words = append(words, r.Fault)
	}
	if r.Status != 0 {
		words = append(words, fmt.Sprintf("HTTP %d", r.Status))
	}
	if r.Delay != 0 {
		words = append(words, "after "+time.Duration(r.Delay).String())
	}
	return strings.Join(words, " ")
}
