package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const htmlPage = "<html><head><title>502 Bad Gateway</title></head><body>bad gateway</body></html>\n"

// deliver sends an answer in the way its reply asks for. Breaking a connection is panic(http.ErrAbortHandler),
// which net/http's server takes to mean just that.
func (g *Gateway) deliver(w http.ResponseWriter, r *http.Request, a *answer) {
	g.wait(r, g.cfg.Latency+time.Duration(a.reply.Delay))
	switch a.reply.Fault {
	case "lost":
		panic(http.ErrAbortHandler)
	case "hang":
		select {
		case <-r.Context().Done():
		case <-g.closed:
		}
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", g.Now().UTC().Format(http.TimeFormat))
	if a.reply.Status != 0 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(a.reply.Status)
		_, _ = w.Write([]byte(htmlPage))
		return
	}
	body := a.spoiled()
	text := dumps(body)
	switch a.reply.Fault {
	case "garbage":
		text = htmlPage
	case "truncated":
		text = text[:len(text)/2]
	case "nobody":
		text = ""
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	g.sign(h, r.Header, text, body, a)
	if a.reply.Fault == "cut" {
		_, _ = w.Write([]byte(text[:len(text)/2]))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write([]byte(text))
}

// wait lets d pass. If the client leaves or the gateway closes first, the connection ends there.
func (g *Gateway) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	case <-g.closed:
		panic(http.ErrAbortHandler)
	}
}

// sign sets X-QF-SIGN: a hash of the bytes of the body and the key (QFPay API reference Japan, 3.4), or of the sorted
// fields and the key (QFPay docs, response-format page). Callers whose app code is not known here get none.
func (g *Gateway) sign(h, asked http.Header, text string, body object, a *answer) {
	how := a.signing
	switch a.reply.Fault {
	case "nosign":
		how = "none"
	case "badsign":
		how = "wrong"
	case "fieldsign":
		how = "fields"
	}
	if how == "none" || asked.Get("X-QF-APPCODE") != g.cfg.AppCode {
		return
	}
	kind := "MD5"
	switch how {
	case "same":
		kind, _ = signType(asked)
	case "wrong":
		text += " "
	case "fields":
		text = body.fields()
	}
	h.Set("X-QF-SIGN", sum(kind, text, g.cfg.ClientKey))
	if kind != "MD5" {
		h.Set("X-QF-SIGNTYPE", kind)
	}
}

// fields is what the newer of QFPay's pages has signed. It speaks of the fields of an object named data, which no
// captured answer has: here they are those of the whole answer, what is no text as its JSON, without empty ones.
func (o object) fields() string {
	form := map[string]string{}
	for _, p := range o {
		s, isText := p.value.(string)
		if !isText && p.value != nil {
			s = dumps(p.value)
		}
		if s != "" {
			form[p.key] = s
		}
	}
	return signed(form)
}

// spoiled is the body with the reply's fault put in, which in a query's answer is in its items.
func (a *answer) spoiled() object {
	out := slices.Clone(a.body)
	if a.reply.Fault == "nulldata" {
		return out.with("data", nil)
	}
	for i, p := range out {
		if items, ok := p.value.([]object); ok {
			spoilt := make([]object, len(items))
			for j, item := range items {
				spoilt[j] = item.spoiled(a.reply.Fault)
			}
			out[i].value = spoilt
			return out
		}
	}
	return out.spoiled(a.reply.Fault)
}

func (o object) spoiled(fault string) object {
	switch fault {
	case "amount":
		n, _ := strconv.ParseInt(fmt.Sprint(o.get("txamt")), 10, 64)
		return o.with("txamt", strconv.FormatInt(n+1, 10))
	case "number":
		return o.with("out_trade_no", "SOMEBODY_ELSES_"+o.text("out_trade_no"))
	case "currency":
		other := "USD"
		if o.text("txcurrcd") == other {
			other = "EUR"
		}
		return o.with("txcurrcd", other)
	case "nosyssn":
		return o.without("syssn")
	case "bare":
		n, _ := strconv.ParseInt(o.text("respcd"), 10, 64)
		return o.with("respcd", n)
	}
	return o
}
