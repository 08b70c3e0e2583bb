package payment

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// sealed serves bodies with the signatures that belong to them, one after the other.
func sealed(t *testing.T, answers ...[2]string) *gateway {
	n := 0
	return serve(t, func(w http.ResponseWriter, _ string, _ url.Values) {
		a := answers[min(n, len(answers)-1)]
		n++
		w.Header().Set("X-QF-SIGN", a[1])
		w.Write([]byte(a[0]))
	})
}

// A signature over the sorted fields is as good as one over the body, in either algorithm. It has to be over what is
// believed: over all fields of the answer, or over those of its data if nothing else says anything about the payment.
func TestSignaturesOverSortedFields(t *testing.T) {
	const flat = `{"respcd":"0000","out_trade_no":"T20260101000001","txamt":100,"txcurrcd":"HKD","resperr":"成功","respmsg":"","syssn":"7"}`
	const text, empty = "out_trade_no=T20260101000001&respcd=0000&resperr=成功&syssn=7&txamt=100&txcurrcd=HKD", "respmsg=&"
	const data = `{"respcd":"0000","respmsg":"success","data":{"txamt":"100","out_trade_no":"T20260101000001"}}`
	const dataText = "out_trade_no=T20260101000001&txamt=100"
	withEmpty := strings.Replace(text, "syssn", empty+"syssn", 1)
	for name, tt := range map[string]struct {
		body, text string
		want       seal
	}{
		"the body":                           {flat, flat, genuine},
		"all fields":                         {flat, text, genuine},
		"all fields, empty ones too":         {flat, withEmpty, genuine},
		"not sorted":                         {flat, "respcd=0000&out_trade_no=T20260101000001&resperr=成功&syssn=7&txamt=100&txcurrcd=HKD", forged},
		"a field less":                       {flat, strings.Replace(text, "&txamt=100", "", 1), forged},
		"another amount":                     {strings.Replace(flat, "100", "101", 1), text, forged},
		"the data's":                         {data, dataText, genuine},
		"the data's, and all else beside it": {strings.Replace(data, "{", `{"txamt":"1",`, 1), dataText, forged},
		"an only item's":                     {`{"respcd":"0000","page":1,"data":[{"txamt":"100","out_trade_no":"T20260101000001"}]}`, dataText, genuine},
		"one item's of two":                  {`{"respcd":"0000","data":[{"txamt":"100","out_trade_no":"T20260101000001"},{"txamt":"1"}]}`, dataText, forged},
		"nothing":                            {`{"respcd":"0000","data":[]}`, "", forged},
		"nothing of nothing":                 {`{}`, "", forged},
		"text that reads as more fields":     {`{"respcd":"0000","resperr":"x&txamt=100"}`, "respcd=0000&resperr=x&txamt=100", forged},
		"a name that reads as more fields":   {`{"respcd":"0000","a&b":"1"}`, "a&b=1&respcd=0000", forged},
	} {
		for _, algorithm := range []string{"MD5", "SHA256"} {
			s := &signer{key: testKey, algorithm: algorithm}
			for _, sign := range []string{s.sign(tt.text), strings.ToLower(s.sign(tt.text))} {
				o, err := parse([]byte(tt.body), scrubber(nil))
				if err != nil {
					t.Fatal(err)
				}
				if got := s.check(http.Header{"X-Qf-Sign": {sign}}, []byte(tt.body), o); got != tt.want {
					t.Errorf("%s, %s: %d instead of %d", name, algorithm, got, tt.want)
				}
				if got := (&signer{key: "other"}).check(http.Header{"X-Qf-Sign": {sign}}, []byte(tt.body), o); got != forged {
					t.Errorf("%s, %s, with another key: %d", name, algorithm, got)
				}
			}
		}
	}
}

// Once answers are signed, one without a signature proves no payment: somebody may have taken it off. All else that
// it says is queried anyway.
func TestUnsignedIsNotBelievedOnceSigned(t *testing.T) {
	pending := with(t, paidBody, map[string]any{"respcd": "1143"})
	unsignedPaid, unsignedList := [2]string{paidBody, ""}, [2]string{listBody(itemBody), ""}
	for name, tt := range map[string]struct {
		first   [2]string
		second  [2]string
		call    func(*Client) Answer
		want    Meaning
		alarm   bool
		genuine bool
	}{
		"payment, never signed":   {[2]string{pending, ""}, unsignedPaid, paying, Paid, false, false},
		"payment, signed before":  {[2]string{pending, seal5(pending)}, unsignedPaid, paying, Unknown, true, false},
		"payment, forged before":  {[2]string{pending, seal5("")}, unsignedPaid, paying, Paid, false, false},
		"payment, always signed":  {[2]string{pending, seal5(pending)}, [2]string{paidBody, seal5(paidBody)}, paying, Paid, false, true},
		"pending, signed before":  {[2]string{pending, seal5(pending)}, [2]string{pending, ""}, paying, Pending, false, false},
		"query, never signed":     {[2]string{pending, ""}, unsignedList, asking, Paid, false, false},
		"query, signed before":    {[2]string{pending, seal5(pending)}, unsignedList, asking, Unknown, true, false},
		"query, always signed":    {[2]string{pending, seal5(pending)}, [2]string{listBody(itemBody), seal5(listBody(itemBody))}, asking, Paid, false, true},
		"empty, always signed":    {[2]string{pending, seal5(pending)}, [2]string{listBody(), seal5(listBody())}, asking, NotFound, false, true},
		"declined, always signed": {[2]string{pending, seal5(pending)}, [2]string{`{"respcd":"1201"}`, seal5(`{"respcd":"1201"}`)}, paying, Declined, false, true},
		"forged":                  {[2]string{pending, ""}, [2]string{paidBody, seal5("")}, paying, Unknown, true, false},
	} {
		c := newTestClient(t, sealed(t, tt.first, tt.second).url)
		c.Pay(t.Context(), order)
		if a := tt.call(c); a.Meaning != tt.want || (a.Alarm != "") != tt.alarm || a.Genuine != tt.genuine {
			t.Errorf("%s: %+v", name, a)
		}
	}
	// what it lists is known all the same, and nothing that may be paid is cancelled
	c := newTestClient(t, sealed(t, [2]string{pending, seal5(pending)}, unsignedList).url)
	c.Pay(t.Context(), order)
	if f := c.Query(t.Context(), question); !f.Listed || !f.Success {
		t.Errorf("%+v", f)
	}
}

func paying(c *Client) Answer { return c.Pay(context.Background(), order) }
func asking(c *Client) Answer { return c.Query(context.Background(), question).Answer }

// A list is signed by its fields as well as one answer is, and reading it does not spoil what was signed.
func TestListSignedByItsFields(t *testing.T) {
	const body = `{"respcd": "0000", "data": [{"out_trade_no": "C1", "txamt": "100"}], "page": 1}`
	s := &signer{appCode: "A", key: "K", algorithm: "MD5"}
	o, err := parse([]byte(body), scrubber(nil))
	if err != nil {
		t.Fatal(err)
	}
	sign := s.sign(`data=[{"out_trade_no": "C1", "txamt": "100"}]&page=1&respcd=0000`)
	for range 2 {
		h := http.Header{}
		h.Set(headerSign, sign)
		if got := s.check(h, []byte(body), o); got != genuine {
			t.Fatalf("the signature is %q", got)
		}
	}
}
