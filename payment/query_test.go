package payment

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const itemBody = `{"syssn": "20260101000100020000000001", "out_trade_no": "T20260101000001", "pay_type": "800108", "order_type": "payment", ` +
	`"txamt": "100", "txcurrcd": "HKD", "txdtm": "2026-01-01 12:00:00", "sysdtm": "2026-01-01 12:00:01", "respcd": "0000", "errmsg": "ok", ` +
	`"cancel": "0", "chnlsn": "42", "origssn": null}`

func listBody(items ...string) string {
	return `{"respcd": "0000", "resperr": "ok", "page": 1, "data": [` + strings.Join(items, ",") + `]}`
}

// What one list says of a payment; "0000" of an item alone is not "paid".
func TestFindings(t *testing.T) {
	item := func(change map[string]any) string { return with(t, itemBody, change) }
	code := func(c any) string { return item(map[string]any{"respcd": c}) }
	cancel := func(c any) string { return item(map[string]any{"cancel": c}) }
	other := item(map[string]any{"out_trade_no": "T2", "syssn": "2"})
	second := map[string]any{"syssn": "20260101000100020000000009"}
	for name, tt := range map[string]struct {
		body  string
		want  Meaning
		alarm bool
	}{
		"paid":                                  {listBody(itemBody), Paid, false},
		"paid, data an object":                  {`{"respcd":"0000","data":` + itemBody + `}`, Paid, false},
		"paid, numbers":                         {listBody(item(map[string]any{"txamt": 100, "cancel": 0})), Paid, false},
		"paid, no currency":                     {listBody(item(map[string]any{"txcurrcd": ""})), Paid, false},
		"paid, among others":                    {listBody(other, itemBody, other), Paid, false},
		"paid, refunded in part":                {listBody(cancel("5")), Paid, false},
		"paid, unnamed beside it":               {listBody(item(map[string]any{"out_trade_no": "", "syssn": "3"}), itemBody), Paid, false},
		"paid, rubbish beside it":               {listBody(`{"a":1}`, itemBody), Paid, false},
		"paid and declined":                     {listBody(code("1202"), itemBody), Paid, false},
		"paid and pending":                      {listBody(itemBody, code("1143")), Paid, false},
		"paid and undone":                       {listBody(cancel("1"), item(second)), Paid, false},
		"paid and of another amount":            {listBody(itemBody, item(map[string]any{"txamt": "1"})), Paid, true},
		"paid twice":                            {listBody(itemBody, item(second)), Paid, true},
		"paid twice, no syssn":                  {listBody(item(map[string]any{"syssn": ""}), item(map[string]any{"syssn": "", "chnlsn": "43"})), Paid, true},
		"paid, listed twice":                    {listBody(itemBody, item(map[string]any{"errmsg": "again"})), Paid, false},
		"reversed":                              {listBody(cancel("1")), Undone, false},
		"cancelled":                             {listBody(cancel(2)), Undone, false},
		"refunded":                              {listBody(cancel("3")), Undone, false},
		"pre-authorisation finished":            {listBody(cancel("4")), Unknown, true},
		"no cancel field":                       {listBody(cancel(nil)), Unknown, true},
		"pending":                               {listBody(code("1143")), Pending, false},
		"pending, marked as cancelled":          {listBody(item(map[string]any{"respcd": "1143", "cancel": "1"})), Pending, false},
		"pending and declined":                  {listBody(code("1202"), code("1145")), Pending, false},
		"pending and undone":                    {listBody(cancel("1"), code("1145")), Pending, false},
		"declined":                              {listBody(code("1202")), Declined, false},
		"declined, respcd a number":             {listBody(code(1202)), Declined, false},
		"declined and unlisted":                 {listBody(code("1202"), code("9999")), Unknown, true},
		"declined and undone":                   {listBody(code("1202"), cancel("1")), Undone, false},
		"declined, rubbish beside it":           {listBody(`7`, code("1202")), Unknown, false},
		"closed":                                {listBody(code("1264")), Undone, false},
		"respcd 0":                              {listBody(code(0)), Unknown, true},
		"respcd null":                           {listBody(code(nil)), Unknown, true},
		"other amount":                          {listBody(item(map[string]any{"txamt": "101"})), Unknown, true},
		"no amount":                             {listBody(item(map[string]any{"txamt": nil})), Unknown, true},
		"other currency":                        {listBody(item(map[string]any{"txcurrcd": "EUR"})), Unknown, true},
		"declined, other amount":                {listBody(item(map[string]any{"txamt": "101", "respcd": "1202"})), Unknown, true},
		"our syssn, other number":               {listBody(item(map[string]any{"out_trade_no": "T2"})), Unknown, true},
		"unnamed":                               {listBody(item(map[string]any{"out_trade_no": nil, "syssn": "3"})), Unknown, false},
		"a refund of that number":               {listBody(item(map[string]any{"order_type": "refund"})), Unknown, false},
		"no order type":                         {listBody(item(map[string]any{"order_type": nil})), Unknown, true},
		"strange order type":                    {listBody(item(map[string]any{"order_type": "preauth"})), Unknown, true},
		"declined, and closed by an order":      {listBody(code("1142"), item(map[string]any{"order_type": "close"})), Undone, false},
		"empty":                                 {listBody(), NotFound, false},
		"no data":                               {`{"respcd":"0000"}`, NotFound, false},
		"data null":                             {`{"respcd":"0000","data":null}`, NotFound, false},
		"data {}":                               {`{"respcd":"0000","data":{}}`, NotFound, false},
		"only others":                           {listBody(other), NotFound, false},
		"1136":                                  {`{"respcd":"1136"}`, NotFound, false},
		"1268":                                  {`{"respcd":"1268","data":[]}`, NotFound, false},
		"1000 items":                            {listBody(slices.Repeat([]string{itemBody}, 1000)...), Paid, false},
		"1001 items":                            {listBody(slices.Repeat([]string{itemBody}, 1001)...), Unknown, false},
		"data a string":                         {`{"respcd":"0000","data":""}`, Unknown, false},
		"data something else":                   {`{"respcd":"0000","data":{"list":[]}}`, Unknown, false},
		"items in strange shape":                {`{"respcd":"0000","data":[{"order":"T20260101000001"}]}`, Unknown, false},
		"a field of an item twice":              {listBody(strings.Replace(itemBody, "{", `{"respcd":"1202",`, 1)), Unknown, false},
		"respcd of the query 0":                 {`{"respcd":0,"data":[]}`, Unknown, false},
		"respcd of the query bare 0000":         {`{"respcd":0000,"data":[]}`, Unknown, false},
		"respcd of the query missing":           {`{"data":[]}`, Unknown, false},
		"query pending":                         {`{"respcd":"1143","data":[]}`, Unknown, false},
		"query declined":                        {`{"respcd":"1202"}`, Unknown, false},
		"query refused: signature":              {`{"respcd":"1108"}`, Unknown, true},
		"query failed, an item that looks paid": {`{"respcd":"1100","data":[` + itemBody + `]}`, Unknown, false},
	} {
		q := question
		q.SysSN = "20260101000100020000000001"
		f := newTestClient(t, says(t, 200, tt.body).url).Query(t.Context(), q)
		if f.Meaning != tt.want || (f.Alarm != "") != tt.alarm || f.Searched != (tt.want == NotFound) {
			t.Errorf("%s: %+v instead of %s, alarm %t", name, f, tt.want, tt.alarm)
		}
		if f.Setup != strings.Contains(tt.body, "1108") {
			t.Errorf("%s: setup %t", name, f.Setup)
		}
	}
}

// What QFPay lists under the number is known to it, understood or not; and what has 0000 there may be paid, whatever
// else the item says. An empty list, or one of others, is neither.
func TestListedAndSuccess(t *testing.T) {
	item := func(change map[string]any) string { return with(t, itemBody, change) }
	for name, tt := range map[string]struct {
		body            string
		listed, success bool
	}{
		"paid":                        {listBody(itemBody), true, true},
		"reversed":                    {listBody(item(map[string]any{"cancel": "1"})), true, true},
		"cancel unknown":              {listBody(item(map[string]any{"cancel": "6"})), true, true},
		"no cancel":                   {listBody(item(map[string]any{"cancel": nil})), true, true},
		"cancel empty":                {listBody(item(map[string]any{"cancel": ""})), true, true},
		"cancel null":                 {listBody(item(map[string]any{"cancel": json.RawMessage("null")})), true, true},
		"cancel 4":                    {listBody(item(map[string]any{"cancel": "4"})), true, true},
		"odd order type":              {listBody(item(map[string]any{"order_type": "order"})), true, true},
		"no order type":               {listBody(item(map[string]any{"order_type": nil})), true, true},
		"a refund of that number":     {listBody(item(map[string]any{"order_type": "refund"})), true, true},
		"wrong amount":                {listBody(item(map[string]any{"txamt": "1"})), true, true},
		"our syssn, other number":     {listBody(item(map[string]any{"out_trade_no": "T2"})), true, true},
		"unnamed":                     {listBody(item(map[string]any{"out_trade_no": "", "syssn": "3"})), true, true},
		"declined beside it":          {listBody(item(map[string]any{"respcd": "1202"}), item(map[string]any{"cancel": "4"})), true, true},
		"pending":                     {listBody(item(map[string]any{"respcd": "1143"})), true, false},
		"declined":                    {listBody(item(map[string]any{"respcd": "1202"})), true, false},
		"result unknown":              {listBody(item(map[string]any{"respcd": "1161"})), true, false},
		"undocumented":                {listBody(item(map[string]any{"respcd": "9999"})), true, false},
		"respcd 0":                    {listBody(item(map[string]any{"respcd": 0})), true, false},
		"cannot be read":              {listBody(`{"order":"T20260101000001"}`), true, false},
		"cannot be read, beside it":   {listBody(`{"order":"T20260101000001"}`, item(map[string]any{"respcd": "1202"})), true, false},
		"a refund that points to it":  {listBody(item(map[string]any{"order_type": "refund", "out_trade_no": "R1", "syssn": "4", "orig_out_trade_no": "T20260101000001"})), true, false},
		"a refund of another payment": {listBody(item(map[string]any{"order_type": "refund", "out_trade_no": "R1", "syssn": "4", "origssn": "5"})), false, false},
		"another":                     {listBody(item(map[string]any{"out_trade_no": "T2", "syssn": "5"})), false, false},
		"nothing":                     {listBody(), false, false},
		"refused":                     {`{"respcd":"1108"}`, false, false},
	} {
		q := question
		q.SysSN = "20260101000100020000000001"
		f := newTestClient(t, says(t, 200, tt.body).url).Query(t.Context(), q)
		if f.Listed != tt.listed || f.Success != tt.success {
			t.Errorf("%s: %+v", name, f)
		}
		if tt.listed && (f.Meaning == NotFound || f.Searched) {
			t.Errorf("%s is listed, and not found", name)
		}
	}
}

// An alarm about a value that is not understood names it, and is the same each time, in whatever order QFPay lists.
func TestOddValuesAreNamed(t *testing.T) {
	item := func(change map[string]any) string { return with(t, itemBody, change) }
	for name, tt := range map[string]struct {
		items []string
		names []string
	}{
		"cancel 6":          {[]string{item(map[string]any{"cancel": "6"})}, []string{`cancel "6"`}},
		"cancel a word":     {[]string{item(map[string]any{"cancel": "reversed"})}, []string{`cancel "reversed"`}},
		"cancel empty":      {[]string{item(map[string]any{"cancel": ""})}, []string{`cancel ""`}},
		"order type":        {[]string{item(map[string]any{"order_type": "preauth"})}, []string{`order_type "preauth"`}},
		"respcd":            {[]string{item(map[string]any{"respcd": "7777"})}, []string{`respcd "7777"`}},
		"no amount":         {[]string{item(map[string]any{"txamt": "many"})}, []string{"with an amount that is not understood instead of 100 minor units of HKD"}},
		"less than nothing": {[]string{item(map[string]any{"txamt": "-1"})}, []string{"with an amount that is not understood instead"}},
		"amount 0":          {[]string{item(map[string]any{"txamt": "0"})}, []string{"with 0 minor units of HKD instead of 100"}},
		"of no currency":    {[]string{item(map[string]any{"txamt": "7", "txcurrcd": ""})}, []string{"with 7 minor units instead of 100"}},
		"several at once":   {[]string{item(map[string]any{"respcd": "7777"}), item(map[string]any{"cancel": "4"})}, []string{`respcd "7777"`, `cancel "4"`}},
		"paid all the same": {[]string{item(map[string]any{"respcd": "7777", "syssn": "9"}), itemBody}, []string{`respcd "7777"`}},
	} {
		first := newTestClient(t, says(t, 200, listBody(tt.items...)).url).Query(t.Context(), question)
		slices.Reverse(tt.items)
		second := newTestClient(t, says(t, 200, listBody(tt.items...)).url).Query(t.Context(), question)
		if first.Alarm != second.Alarm {
			t.Errorf("%s: %q, and then %q", name, first.Alarm, second.Alarm)
		}
		for _, n := range tt.names {
			if !strings.Contains(first.Alarm, n) || !strings.Contains(first.Alarm, question.OutTradeNo) {
				t.Errorf("%s: %q does not say %s", name, first.Alarm, n)
			}
		}
	}
}

// Where a number was paid twice the payment that QFPay lists first is told, whether or not the list was read to its end.
func TestPaidTwiceIsToldAsTheFirst(t *testing.T) {
	g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
		n, _ := strconv.Atoi(f.Get("page"))
		w.Write([]byte(listBody([][]string{{}, {itemBody}, {with(t, itemBody, map[string]any{"syssn": "9"})}, {}}[min(n, 3)]...)))
	})
	for _, urgency := range []Urgency{Customer, FollowUp} {
		q := question
		q.Urgency = urgency
		if f := newTestClient(t, g.url).Query(t.Context(), q); f.Meaning != Paid || f.SysSN != "20260101000100020000000001" || (f.Alarm != "") != (urgency == FollowUp) {
			t.Errorf("urgency %d: %+v", urgency, f)
		}
	}
}

// What went back of a payment is the sum of the successful refunds that point to it.
func TestRefundsBesideAPayment(t *testing.T) {
	refund := func(n int, change map[string]any) string {
		all := map[string]any{"order_type": "refund", "out_trade_no": fmt.Sprint("R", n), "syssn": fmt.Sprint("88", n), "txamt": 10 * n}
		for k, v := range change {
			all[k] = v
		}
		return with(t, itemBody, all)
	}
	ours := map[string]any{"origssn": "20260101000100020000000001"}
	part := with(t, itemBody, map[string]any{"cancel": "5"})
	for name, tt := range map[string]struct {
		items []string
		want  int64
	}{
		"none":                          {[]string{itemBody}, 0},
		"two":                           {[]string{refund(1, ours), part, refund(2, ours)}, 30},
		"one listed twice":              {[]string{part, refund(1, ours), refund(1, map[string]any{"origssn": "20260101000100020000000001", "errmsg": "again"})}, 10},
		"by orig_syssn":                 {[]string{part, refund(1, map[string]any{"orig_syssn": "20260101000100020000000001"})}, 10},
		"by orig_out_trade_no":          {[]string{part, refund(1, map[string]any{"orig_out_trade_no": "T20260101000001"})}, 10},
		"without a syssn of their own":  {[]string{part, refund(1, map[string]any{"origssn": "20260101000100020000000001", "syssn": ""}), refund(2, map[string]any{"origssn": "20260101000100020000000001", "syssn": ""})}, 30},
		"pending":                       {[]string{part, refund(1, map[string]any{"origssn": "20260101000100020000000001", "respcd": "1143"})}, 0},
		"failed":                        {[]string{part, refund(1, map[string]any{"origssn": "20260101000100020000000001", "respcd": "1265"})}, 0},
		"of another":                    {[]string{itemBody, refund(1, map[string]any{"origssn": "5"})}, 0},
		"of nothing":                    {[]string{itemBody, refund(1, map[string]any{"origssn": ""}), with(t, itemBody, map[string]any{"syssn": ""})}, 0},
		"of a failed try of ours":       {[]string{itemBody, with(t, itemBody, map[string]any{"syssn": "6", "respcd": "1202"}), refund(1, map[string]any{"origssn": "6"})}, 0},
		"an amount that cannot be read": {[]string{part, refund(1, map[string]any{"origssn": "20260101000100020000000001", "txamt": "-5"})}, 0},
		"a payment that points to it":   {[]string{itemBody, refund(1, map[string]any{"origssn": "20260101000100020000000001", "order_type": "payment"})}, 0},
	} {
		for _, sysSN := range []string{"", "20260101000100020000000001"} {
			q := question
			q.SysSN, q.Urgency = sysSN, Audit
			f := newTestClient(t, says(t, 200, listBody(tt.items...)).url).Query(t.Context(), q)
			if f.Refunded != tt.want || f.Meaning != Paid {
				t.Errorf("%s: %+v instead of %d", name, f, tt.want)
			}
		}
	}
}

func TestRefundFindings(t *testing.T) {
	item := func(change map[string]any) string {
		all := map[string]any{"order_type": "refund", "out_trade_no": refund.OutTradeNo}
		for k, v := range change {
			all[k] = v
		}
		return with(t, itemBody, all)
	}
	q := Query{OutTradeNo: refund.OutTradeNo, Amount: 100, Currency: "HKD", Created: question.Created, Now: question.Now, Refund: true}
	for name, tt := range map[string]struct {
		body  string
		want  Meaning
		later bool
	}{
		"done":                          {listBody(item(nil)), Paid, false},
		"done, and its payment":         {listBody(itemBody, item(nil)), Paid, false},
		"in progress":                   {listBody(item(map[string]any{"respcd": "1143"})), Pending, false},
		"failed":                        {listBody(item(map[string]any{"respcd": "1205"})), Refused, false},
		"later":                         {listBody(item(map[string]any{"respcd": "1269"})), Refused, true},
		"number used":                   {listBody(item(map[string]any{"respcd": "1251"})), Unknown, false},
		"only a payment of that number": {listBody(item(map[string]any{"order_type": "payment"})), Unknown, false},
		"nothing":                       {listBody(itemBody), NotFound, false},
	} {
		f := newTestClient(t, says(t, 200, tt.body).url).Query(t.Context(), q)
		if f.Meaning != tt.want || f.RetryLater != tt.later || f.Alarm != "" {
			t.Errorf("%s: %+v instead of %s", name, f, tt.want)
		}
	}
}

// qfpayTime is a time by QFPay's clock.
func qfpayTime(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation(timeLayout, s, qfpayZone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// An empty list proves something only after every month was asked that could hold the payment.
func TestWhichMonthsAreAsked(t *testing.T) {
	at := func(s string) time.Time { return qfpayTime(t, s) }
	const (
		dec, jan, feb = "2025-12-01 00:00:00..2025-12-31 23:59:59", "2026-01-01 00:00:00..2026-01-31 23:59:59", "2026-02-01 00:00:00..2026-02-28 23:59:59"
		mar, none     = "2026-03-01 00:00:00..2026-03-31 23:59:59", ".."
	)
	for _, tt := range []struct {
		created, now, sysSN string
		want                []string
	}{
		{"2026-01-15 12:00:00", "2026-01-15 12:01:00", "", []string{none, jan}},
		{"2026-01-15 12:00:00", "2026-03-15 12:01:00", "", []string{none, jan, feb, mar}},
		{"2026-01-15 12:00:00", "2026-01-15 12:01:00", "77", []string{none, jan, "77"}},
		{"2026-01-01 00:00:10", "2026-01-01 00:01:00", "", []string{none, dec, jan}},
		{"2026-01-01 23:59:59", "2026-01-02 00:01:00", "", []string{none, dec, jan}},
		{"2026-01-02 00:00:00", "2026-01-02 00:01:00", "", []string{none, jan}},
		{"2026-01-31 23:59:50", "2026-01-31 23:59:58", "", []string{none, jan}},
		{"2026-01-31 23:59:50", "2026-02-01 00:00:00", "", []string{none, jan, feb}},
		{"2026-01-31 00:00:00", "2026-02-05 12:00:00", "", []string{none, jan, feb}},
		{"2026-01-30 23:59:59", "2026-02-05 12:00:00", "", []string{none, jan, feb}},
	} {
		for _, loc := range []*time.Location{nil, time.UTC} {
			var got []string
			g := serve(t, func(w http.ResponseWriter, path string, f url.Values) {
				ask := f.Get("start_time") + ".." + f.Get("end_time")
				if f.Has("syssn") {
					ask = f.Get("syssn")
				}
				if path != "query" || f.Has("syssn") == f.Has("out_trade_no") {
					t.Errorf("%s asks %v", path, f)
				}
				got = append(got, ask)
				w.Write([]byte(listBody()))
			})
			q := question
			q.SysSN, q.Created, q.Now = tt.sysSN, at(tt.created), at(tt.now)
			if loc != nil { // the same clock face in another zone
				q.Created, q.Now = q.Created.Add(8*time.Hour), q.Now.Add(8*time.Hour)
			}
			f := newTestClient(t, g.url, func(c *Config) { c.Location = loc }).Query(t.Context(), q)
			if diff := cmp.Diff(tt.want, got); diff != "" || f.Meaning != NotFound || !f.Searched {
				t.Errorf("created %s, now %s, zone %v: %+v %s", tt.created, tt.now, loc, f, diff)
			}
		}
	}
}

// A list that is empty at first is not the end: the payment is found in the month before, or by its syssn.
func TestFoundOnlyByASecondQuestion(t *testing.T) {
	q := question
	q.SysSN = "20260101000100020000000001"
	q.Created = time.Date(2026, 1, 1, 0, 0, 5, 0, qfpayZone)
	for _, hasIt := range []func(url.Values) bool{
		func(f url.Values) bool { return strings.HasPrefix(f.Get("start_time"), "2026-01") },
		func(f url.Values) bool { return strings.HasPrefix(f.Get("start_time"), "2025-12") },
		func(f url.Values) bool { return f.Has("syssn") },
	} {
		g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
			if hasIt(f) {
				w.Write([]byte(listBody(itemBody)))
				return
			}
			w.Write([]byte(listBody()))
		})
		if f := newTestClient(t, g.url).Query(t.Context(), q); f.Meaning != Paid {
			t.Errorf("%+v", f)
		}
	}
}

// One question without a proper answer, and "not found" proves nothing.
func TestSearchedNeedsEveryAnswer(t *testing.T) {
	q := question
	q.SysSN = "20260101000100020000000001"
	q.Created = time.Date(2026, 1, 1, 0, 0, 5, 0, qfpayZone)
	for broken := range 4 {
		n := 0
		g := serve(t, func(w http.ResponseWriter, _ string, _ url.Values) {
			if n++; n == broken+1 {
				w.WriteHeader(502)
				return
			}
			w.Write([]byte(listBody()))
		})
		f := newTestClient(t, g.url).Query(t.Context(), q)
		want := NotFound
		if broken == 0 {
			want = Unknown
		}
		if f.Meaning != want || f.Searched || f.Err == nil {
			t.Errorf("question %d unanswered: %+v", broken+1, f)
		}
	}
	q.Created = time.Time{}
	if f := newTestClient(t, says(t, 200, listBody()).url).Query(t.Context(), q); f.Meaning != NotFound || f.Searched {
		t.Errorf("without a time: %+v", f)
	}
}

// A machine whose clock is wrong looks in the wrong months: what it does not find there may well be there. All these
// payments were made in January 2026, by QFPay's clock.
func TestWrongClockProvesNothing(t *testing.T) {
	at := func(s string) time.Time { return qfpayTime(t, s) }
	for name, tt := range map[string]struct {
		created, now, theirs string
		proves               bool
	}{
		"right":                              {"2026-01-15 12:00:00", "2026-01-15 12:01:00", "2026-01-15 12:01:00", true},
		"half a day off":                     {"2026-01-31 12:00:00", "2026-01-31 12:01:00", "2026-02-01 00:01:00", true},
		"back in 2000":                       {"2000-01-01 00:00:10", "2000-01-01 00:01:00", "2026-02-01 00:00:30", false},
		"back in 2000, set right since":      {"2000-01-01 00:00:10", "2026-02-01 00:01:00", "2026-02-01 00:01:00", false},
		"forty days behind, set right since": {"2026-01-20 12:00:00", "2026-03-01 00:01:00", "2026-03-01 00:01:00", true},
		"forty days ahead":                   {"2026-03-10 12:00:00", "2026-03-10 12:01:00", "2026-02-01 00:00:01", true},
		"forty days ahead since":             {"2026-01-31 12:00:00", "2026-03-12 12:00:00", "2026-02-01 00:00:01", true},
		"ten days behind since":              {"2026-01-31 12:00:00", "2026-02-05 12:00:00", "2026-02-15 12:00:00", true},
		"forty days ahead, set right since":  {"2026-03-10 12:00:00", "2026-02-01 00:01:00", "2026-02-01 00:01:00", false},
		"two years off, no word from QFPay":  {"2024-01-31 12:00:00", "2026-02-01 00:01:00", "", false},
		"two days ahead, no word from QFPay": {"2026-02-03 12:00:00", "2026-02-01 00:01:00", "", false},
		"right, no word from QFPay":          {"2026-01-31 12:00:00", "2026-02-01 00:01:00", "", true},
	} {
		january := false // asked for, also where it proves nothing
		g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
			january = january || strings.HasPrefix(f.Get("start_time"), "2026-01")
			if tt.theirs != "" {
				w.Header().Set("Date", at(tt.theirs).UTC().Format(http.TimeFormat))
			}
			w.Write([]byte(listBody()))
		})
		q := question
		q.Created, q.Now = at(tt.created), at(tt.now)
		f := newTestClient(t, g.url).Query(t.Context(), q)
		if f.Meaning != NotFound || f.Searched != tt.proves || (f.Err == nil) != tt.proves || !january {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// FuzzFinding: no list makes a payment paid or undone unless an independent reading finds the item, and none
// makes it panic.
func FuzzFinding(f *testing.F) {
	cases, _ := examples(f)
	for _, c := range cases {
		f.Add([]byte(c.Response))
	}
	for _, s := range []string{listBody(), listBody(itemBody), listBody(itemBody, itemBody), `{"respcd":"0000","data":{}}`, `{"respcd":"1136"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := replied(200, string(body)).page()
		found, ok := question.judge(p.items)
		if !ok {
			return
		}
		var o map[string]json.RawMessage
		var respCD string
		if json.Unmarshal(body, &o) != nil || json.Unmarshal(o["respcd"], &respCD) != nil || respCD != "0000" {
			t.Fatalf("%+v (%+v) from %q", found, p.top, body)
		}
		cancels := map[Meaning][]string{Paid: {"0", "5"}, Undone: {"1", "2", "3"}}[found.Meaning]
		if cancels == nil || found.Meaning == Undone && found.RespCD != "0000" {
			return
		}
		var list []map[string]any
		if json.Unmarshal(o["data"], &list) != nil {
			list = make([]map[string]any, 1)
			if err := json.Unmarshal(o["data"], &list[0]); err != nil {
				t.Fatalf("%s from %q", found.Meaning, body)
			}
		}
		if !slices.ContainsFunc(list, func(i map[string]any) bool {
			return i["respcd"] == "0000" && i["order_type"] == "payment" && i["out_trade_no"] == question.OutTradeNo &&
				amount(i["txamt"]) == 100 && slices.Contains(cancels, fmt.Sprint(i["cancel"]))
		}) {
			t.Fatalf("%s from %q", found.Meaning, body)
		}
	})
}

func amount(v any) int64 {
	n, _ := strconv.ParseInt(fmt.Sprint(v), 10, 64)
	return n
}
