package simtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cpmd/payment"
)

// A network is what lies between cpmd and QFPay, and loses, delays, repeats and overtakes.
type network struct {
	w         *world
	listener  *pipes
	server    *http.Server
	served    chan struct{}
	unsigned  bool
	downUntil atomic.Int64 // since the run began
	open      atomic.Int64 // requests under way
	arrived   atomic.Int64 // payments that QFPay has and whose answers cpmd has not

	mu  sync.Mutex
	nth map[string]int
}

type lifeKey struct{}

func newNetwork(w *world, sign string) *network {
	n := &network{w: w, listener: newPipes(), served: make(chan struct{}), nth: map[string]int{}, unsigned: sign == "none"}
	n.server = &http.Server{Handler: n, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, lifeKey{}, c.(*tagged).d)
	}}
	go func() { defer close(n.served); _ = n.server.Serve(n.listener) }()
	return n
}

func (n *network) close() {
	n.w.gw.Close()
	_ = n.server.Close()
	<-n.served
}

// A tagged connection knows whose it is.
type tagged struct {
	net.Conn
	d *daemon
}

func (n *network) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.nth[what]++
	return n.nth[what]
}

type (
	endpointKey struct{}
	numberKey   struct{}
)

// A caller is the payment client. It lets the network know what a connection is for, and no two of its calls return
// at the same moment.
type caller struct {
	*payment.Client
	d *daemon
}

func (c caller) about(ctx context.Context, number string) context.Context {
	return context.WithValue(ctx, numberKey{}, number)
}

func (c caller) pause(number string) {
	name := fmt.Sprint("pause ", number, c.d.n)
	time.Sleep(between(c.d.w.luck.of(name, c.d.w.net.count(name)), 0, time.Millisecond))
}

func (c caller) Pay(ctx context.Context, o payment.PaymentRequest) payment.Answer {
	defer c.pause(o.OutTradeNo)
	return c.Client.Pay(c.about(ctx, o.OutTradeNo), o)
}

func (c caller) Query(ctx context.Context, q payment.Query) payment.QueryResult {
	defer c.pause(q.OutTradeNo)
	return c.Client.Query(c.about(ctx, q.OutTradeNo), q)
}

func (c caller) Cancel(ctx context.Context, u payment.CancelRequest) payment.Answer {
	defer c.pause(u.OutTradeNo)
	return c.Client.Cancel(c.about(ctx, u.OutTradeNo), u)
}

func (c caller) Refund(ctx context.Context, o payment.RefundRequest) payment.Answer {
	defer c.pause(o.OutTradeNo)
	return c.Client.Refund(c.about(ctx, o.OutTradeNo), o)
}

// transport is as payment's own, but for the network under it.
func (d *daemon) transport() http.RoundTripper {
	t := &http.Transport{DialContext: d.dialQFPay, DisableKeepAlives: true, DisableCompression: true}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		return t.RoundTrip(r.WithContext(context.WithValue(r.Context(), endpointKey{}, path.Base(r.URL.Path))))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (d *daemon) dialQFPay(ctx context.Context, _, _ string) (net.Conn, error) {
	w := d.w
	endpoint := ctx.Value(endpointKey{}).(string)
	number, _ := ctx.Value(numberKey{}).(string) // a list has none
	name := fmt.Sprintf("connection for %s for %s", endpoint, w.books.about(d, number, ""))
	name = fmt.Sprintf("%s#%d.%d", name, d.n, w.net.count(fmt.Sprint(name, d.n))) // a life that ends may or may not come to count
	time.Sleep(between(w.luck.of("dial takes", name), 20*time.Microsecond, 20*time.Millisecond))
	switch {
	case d.dead.Load():
		return nil, errDead
	case w.chance(name+" crashes", w.mix.CrashDial):
		w.saw("crash before a request of " + endpoint + " left")
		return nil, d.die("before a request for " + endpoint + " leaves")
	case time.Since(w.begun) < time.Duration(w.net.downUntil.Load()), w.chance(name+" refused", w.mix.Refused):
		w.note("%s is refused", name)
		w.saw("no connection for a " + endpoint)
		return nil, errRefused
	}
	return w.net.listener.dial(ctx, func(c net.Conn) net.Conn { return &tagged{d.toQFPay.tie(c), d} })
}

// A journey is what befalls one request.
type journey struct {
	out, back     time.Duration
	lost          bool
	again         time.Duration // a second time, that much later; 0: not
	answer        string        // "", "lost", "cut" or "page"
	hangs         bool          // what is lost shows as silence and not as a broken connection
	second        bool          // the second answer is the one that comes back
	veryLate      bool          // it arrives when nobody waits for it any more
	crash, crashA bool
}

// journey draws what befalls a request. What bounds it are the assumptions that the rules are made for: a payment
// that has no answer arrives within Rules.Confirm or never, all other requests within Rules.Answer.
func (n *network) journey(name, endpoint string, late bool) journey {
	w, m := n.w, n.w.mix
	r := w.luck.of("journey", name)
	j := journey{out: between(r, 20*time.Microsecond, 150*time.Millisecond), back: between(r, 20*time.Microsecond, 150*time.Millisecond), hangs: r.IntN(2) == 0}
	j.lost = w.chance(name+" is lost", m.Lost)
	j.crash = w.chance(name+" has left: crash", m.CrashSent)
	j.crashA = w.chance(name+" is answered: crash", m.CrashAnswer)
	if w.chance(name+" is slow", m.Slow) {
		j.out, j.back = between(r, 0, 6*time.Second), between(r, 0, 8*time.Second)
		if late {
			j.out = min(j.out, 2*time.Second)
		}
	}
	if !late && w.chance(name+" is late", m.Late) {
		switch endpoint {
		case "payment":
			j.out = between(r, 5*time.Second, w.rules.Confirm-3*time.Second)
		case "query":
			j.out = between(r, 3*time.Second, 12*time.Second)
		default:
			j.out = between(r, 5*time.Second, w.rules.Answer-2*time.Second)
		}
	}
	if w.chance(name+" comes twice", m.Twice) {
		most := w.rules.Answer - 2*time.Second - j.out
		if late {
			most = 5 * time.Second
		}
		j.again, j.second = between(r, time.Millisecond, max(most, time.Second)), r.IntN(3) == 0
		if j.second {
			j.again = min(j.again, 5*time.Second)
		}
	}
	switch {
	case w.chance(name+" has its answer lost", m.AnswerLost):
		j.answer = "lost"
	case w.chance(name+" has its answer cut", m.AnswerCut):
		j.answer = "cut"
	case w.chance(name+" gets a page", m.Page):
		j.answer = "page"
	}
	if endpoint != "query" && w.chance(name+" is very late", w.wide.VeryLate) {
		j.out, j.veryLate = between(r, w.rules.Answer, 30*time.Minute), true
	}
	if time.Since(w.begun) < time.Duration(n.downUntil.Load()) {
		j.lost = true
	}
	return j
}

// ServeHTTP is where a request has left cpmd for good.
func (n *network) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w, d := n.w, r.Context().Value(lifeKey{}).(*daemon)
	body, err := io.ReadAll(r.Body)
	if err != nil || d.dead.Load() {
		panic(http.ErrAbortHandler)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		w.wrong("a request that is no form")
	}
	endpoint := path.Base(r.URL.Path)
	number := form.Get("out_trade_no")
	w.books.request(w, d, endpoint, form, body)
	name := fmt.Sprintf("%s for %s", endpoint, w.books.about(d, number, form.Get("syssn")))
	name = fmt.Sprintf("%s#%d", name, n.count(name))
	j := n.journey(name, endpoint, w.books.behaviourOf(number) == "late")
	if j.veryLate {
		w.books.touch(number, "very late")
	}
	n.open.Add(1)
	defer n.open.Add(-1)
	w.note("> %s (%s)", name, number)
	if j.crash && !w.calm.Load() {
		w.saw("crash after a request of " + endpoint + " left")
		go func() { _ = d.die("when " + name + " has left") }()
	}
	back := make(chan *recorder, 1)
	w.helpers.Go(func() { n.travel(r, body, name, endpoint, number, j, back) })
	select {
	case rec := <-back:
		n.deliver(rw, d, rec, name, number, j)
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}

// travel carries a request to QFPay, whether or not anybody waits for the answer any more.
func (n *network) travel(r *http.Request, body []byte, name, endpoint, number string, j journey, back chan<- *recorder) {
	w := n.w
	time.Sleep(j.out)
	if j.lost {
		w.note("  %s is lost", name)
		if !j.hangs {
			back <- nil
		}
		return
	}
	if j.out > w.rules.Answer {
		w.saw("a request arrives after its sender stopped waiting")
	}
	if j.veryLate {
		w.saw("a " + endpoint + " arrives long after")
	}
	ask := func() *recorder {
		rec := &recorder{header: http.Header{}}
		copied := r.Clone(r.Context())
		copied.Body = io.NopCloser(bytes.NewReader(body))
		rec.serve(w, copied)
		w.books.look(w, number)
		return rec
	}
	if endpoint == "payment" {
		n.arrived.Add(1)
		defer n.arrived.Add(-1)
	}
	rec := ask()
	w.note("  %s at QFPay: %s", name, rec.words())
	if j.again > 0 {
		second := func() *recorder {
			time.Sleep(j.again)
			if endpoint == "reversal" || endpoint == "close" { // after a refusal "paid" is told soon; the audit must find it out
				w.books.touch(number, "copy of a cancellation")
			}
			again := ask()
			w.note("  %s at QFPay again: %s", name, again.words())
			w.saw("a " + endpoint + " arrives twice")
			return again
		}
		if j.second {
			rec = second()
		} else {
			w.helpers.Go(func() { second() })
		}
	}
	time.Sleep(j.back)
	if j.answer == "lost" && j.hangs {
		w.note("  the answer to %s is lost", name)
		w.saw("answer to a " + endpoint + " lost")
		return
	}
	back <- rec
	if endpoint == "payment" {
		w.books.sawAnswer(number)
	}
}

func (n *network) deliver(rw http.ResponseWriter, d *daemon, rec *recorder, name, number string, j journey) {
	w := n.w
	if j.crashA && rec != nil && !w.calm.Load() { // drawn before the calm, and slow
		w.saw("crash as an answer comes")
		_ = d.die("as the answer to " + name + " comes")
		panic(http.ErrAbortHandler)
	}
	if rec == nil {
		panic(http.ErrAbortHandler)
	}
	switch j.answer {
	case "lost":
		w.note("  the answer to %s is lost", name)
		w.saw("answer to a " + strings.Fields(name)[0] + " lost")
		panic(http.ErrAbortHandler)
	case "cut":
		rec.aborted = true
		rec.body = rec.body[:len(rec.body)/2]
		w.saw("answer cut")
	case "page":
		rec = &recorder{header: http.Header{"Content-Type": {"text/html"}}, status: 502, body: []byte("<html>bad gateway</html>")}
		w.saw("a proxy answers")
	}
	w.note("< %s: %s", name, rec.words())
	if strings.HasPrefix(name, "query") && !rec.aborted {
		w.books.sawList(w, number, rec.body)
	}
	if rec.aborted && len(rec.body) == 0 {
		panic(http.ErrAbortHandler)
	}
	for k, v := range rec.header {
		rw.Header()[k] = v
	}
	rw.WriteHeader(rec.status)
	_, _ = rw.Write(rec.body)
	if rec.aborted {
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}
}
