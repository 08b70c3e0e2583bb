package simtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"cpmd/queue/sale"
)

// onceMore is behind the id of a refund that is asked for again.
const onceMore = "-again"

// staff give money back at any moment, whatever else goes on about the sale.
func (s *selling) staff() {
	w := s.w
	r := w.luck.of("staff", s.id)
	time.Sleep(between(r, time.Second, pick(r, 20*time.Second, 3*time.Minute, 20*time.Minute)))
	w.books.touchSale(s.id, "staff")
	w.saw("staff give back at any moment")
	other := &selling{seller: s.seller, id: s.id, r: r, req: s.req}
	amount := pick(r, s.req.Amount, s.req.Amount/2, 1+r.Int64N(s.req.Amount))
	other.refund(s.id+"-staff", max(amount, 1))
}

// misdecide is an operator who has not looked, or does not mind what QFPay says.
func (s *selling) misdecide() {
	w := s.w
	if !w.chance(s.id+" is decided blindly", w.wide.Operator) {
		return
	}
	r := w.luck.of("operator", s.id)
	if r.IntN(3) == 0 {
		status, _ := w.post("/v1/sales/"+s.id+"/ask", nil)
		w.note("%s is asked for: HTTP %d", s.id, status)
		w.saw("asked for by an operator")
	}
	word := map[string]any{"outcome": pick(r, sale.Paid, sale.NotPaid), "note": "it will be so"}
	if r.IntN(2) == 0 {
		word["even_though"] = true
	}
	w.books.touchSale(s.id, "operator")
	status, answer := w.post("/v1/sales/"+s.id+"/resolve", word)
	w.note("%s is decided blindly: %v: HTTP %d", s.id, word["outcome"], status)
	if status != http.StatusOK {
		w.saw("an operator is contradicted")
		return
	}
	w.saw(fmt.Sprintf("decided blindly: %v", word["outcome"]))
	var v sale.View
	if err := json.Unmarshal(answer, &v); err != nil {
		w.wrong("%s: resolved, and the answer is %s", s.id, answer)
		return
	}
	w.books.told(w, s.id, v)
}

// misdecideReturn is the same of money that goes back because the goods are stuck.
func (s *selling) misdecideReturn() {
	w := s.w
	if !w.chance(s.id+"'s return is decided blindly", 4*w.wide.Operator) {
		return
	}
	r := w.luck.of("operator", s.id+"'s return")
	time.Sleep(between(r, time.Second, pick(r, 3*time.Minute, time.Hour)))
	w.books.touchSale(s.id, "operator")
	status, answer := w.post("/v1/sales/"+s.id+"/resolve", map[string]any{"outcome": sale.Returned, "note": "it will be so", "even_though": r.IntN(2) == 0})
	w.note("%s's return is decided blindly: HTTP %d", s.id, status)
	var v sale.View
	if status == http.StatusOK && json.Unmarshal(answer, &v) == nil && v.Refunded < v.Amount {
		w.saw("decided blindly: returned")
	}
}

// misdecideRefund is the same of a refund that nobody knows the end of.
func (s *selling) misdecideRefund(v sale.RefundView) {
	w := s.w
	if string(v.State) != string(sale.Unresolved) || !w.chance(v.ID+" is decided blindly", w.wide.Operator) {
		return
	}
	r := w.luck.of("operator", v.ID)
	word := map[string]any{"outcome": pick(r, sale.Refunded, sale.NotRefunded), "note": "it will be so"}
	if r.IntN(2) == 0 {
		word["even_though"] = true
	}
	w.books.touchSale(s.id, "operator")
	status, _ := w.post("/v1/refunds/"+v.ID+"/resolve", word)
	w.note("%s is decided blindly: %v: HTTP %d", v.ID, word["outcome"], status)
	if status == http.StatusOK {
		w.saw(fmt.Sprintf("decided blindly: %v", word["outcome"]))
	}
}

// layPhone puts a phone before the scanner, which reads it again and again, from before the sale is opened until some
// seconds after.
func (s *selling) layPhone() {
	w := s.w
	s.phone = make(chan struct{})
	s.codes++
	code, behaviour := s.code(s.codes)
	name := fmt.Sprintf("%s code %d", s.id, s.codes)
	w.books.lay(s.id)
	w.saw("a phone lies before the scanner")
	w.note("%s lies before the scanner (%s)", name, behaviour)
	w.people.Go(func() {
		r := w.luck.of("phone", name)
		const long = time.Hour
		for left := long; left > 0; {
			w.books.shown(w, code, s.lane, s.id, behaviour, time.Since(w.begun))
			s.scan(code, 0)
			pause := between(r, 150*time.Millisecond, 700*time.Millisecond)
			time.Sleep(pause)
			select {
			case <-s.phone:
				left = min(left, 10*time.Second)
			default:
			}
			left -= pause
		}
	})
	time.Sleep(between(s.r, 100*time.Millisecond, 4*time.Second))
}

// post calls the till API as a program without a client of its own does; status 0: no answer.
func (w *world) post(path string, body any) (status int, answer []byte) {
	return w.ask(http.MethodPost, path, body)
}

func (w *world) ask(method, path string, body any) (status int, answer []byte) {
	c := &http.Client{Transport: &http.Transport{DialContext: w.dialTill, DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	var sent []byte
	if body != nil {
		sent, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://memory"+path, bytes.NewReader(sent))
	if err != nil {
		panic(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil
	}
	return resp.StatusCode, answer
}
