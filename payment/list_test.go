package payment

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pages serves a list page by page, at most most items each.
func pages(t *testing.T, items []string, most int) *gateway {
	return serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
		page, _ := strconv.Atoi(f.Get("page"))
		size, _ := strconv.Atoi(f.Get("page_size"))
		size = min(size, most)
		from := min((page-1)*size, len(items))
		w.Write([]byte(listBody(items[from:min(from+size, len(items))]...)))
	})
}

// The one paid item is on the last page, whatever page size QFPay goes by.
func TestAllPagesAreRead(t *testing.T) {
	for _, total := range []int{1, 4, 5, 6, 9, 10, 11, 99, 100, 101, 200} {
		for _, most := range []int{1, 5, 10, 37, 100} {
			var items []string
			for n := range total - 1 {
				items = append(items, with(t, itemBody, map[string]any{"out_trade_no": fmt.Sprint("T", n), "syssn": fmt.Sprint(n)}))
			}
			items = append(items, itemBody)
			c := newTestClient(t, pages(t, items, most).url)
			if f := c.Query(t.Context(), question); f.Meaning != Paid && total <= queryPages*most {
				t.Errorf("%d items by %d: %+v", total, most, f)
			}
			day := time.Date(2026, 1, 1, 0, 0, 0, 0, qfpayZone)
			got, err := c.List(t.Context(), day, day.AddDate(0, 0, 1))
			if err != nil || len(got) != total {
				t.Errorf("%d items by %d: a list of %d, %v", total, most, len(got), err)
			}
		}
	}
}

// A list that cannot be read to its end proves nothing but "paid".
func TestListsWithoutEnd(t *testing.T) {
	declined := with(t, itemBody, map[string]any{"respcd": "1202"})
	for name, tt := range map[string]struct {
		first string
		page  func(n int) int // which page is given for the nth
		want  Meaning
	}{
		"the same page again":           {declined, func(int) int { return 1 }, Unknown},
		"the same page again, paid":     {itemBody, func(int) int { return 1 }, Paid},
		"ever new pages":                {declined, func(n int) int { return n }, Unknown},
		"ever new pages, paid":          {itemBody, func(n int) int { return n }, Paid},
		"pages fail from the second on": {declined, func(n int) int { return min(n, 2) - 2*min(n-1, 1) }, Unknown},
	} {
		g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
			n, _ := strconv.Atoi(f.Get("page"))
			n = tt.page(n)
			if n == 0 {
				w.WriteHeader(500)
				return
			}
			var items []string
			for i := range 10 {
				items = append(items, with(t, itemBody, map[string]any{"out_trade_no": fmt.Sprint("T", n, i), "syssn": fmt.Sprint(n, i)}))
			}
			if n == 1 {
				items[0] = tt.first
			}
			w.Write([]byte(listBody(items...)))
		})
		c := newTestClient(t, g.url)
		if f := c.Query(t.Context(), question); f.Meaning != tt.want || f.Searched {
			t.Errorf("%s: %+v instead of %s", name, f, tt.want)
		}
		if n := g.requests.Load(); n > queryPages {
			t.Errorf("%s: %d requests", name, n)
		}
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, qfpayZone)
		if !strings.HasPrefix(name, "ever") { // those have 500 pages to go
			if _, err := c.List(t.Context(), day, day.AddDate(0, 0, 1)); err == nil {
				t.Errorf("%s: a list without an error", name)
			}
		}
	}
}

func TestListOfADay(t *testing.T) {
	var asked url.Values
	terminal := with(t, itemBody, map[string]any{"out_trade_no": "", "syssn": "5", "txamt": "many"})
	g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
		asked = f
		w.Write([]byte(listBody(itemBody, terminal)))
	})
	c := newTestClient(t, g.url)
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, qfpayZone)
	got, err := c.List(t.Context(), day, day.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	want := []Item{{OutTradeNo: "T20260101000001", SysSN: "20260101000100020000000001", OrderType: "payment", PayType: "800108", Amount: 100,
		Currency: "HKD", TxDTM: "2026-01-01 12:00:00", SysDTM: "2026-01-01 12:00:01", RespCD: "0000", Text: "ok", Cancel: "0", ChnlSN: "42"}}
	want = append(want, want[0])
	want[1].OutTradeNo, want[1].SysSN, want[1].Amount = "", "5", -1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if asked.Get("start_time") != "2026-01-31 00:00:00" || asked.Get("end_time") != "2026-01-31 23:59:59" || asked.Has("out_trade_no") {
		t.Errorf("asked %v", asked)
	}
	for _, end := range []time.Time{day, day.Add(-time.Hour), day.AddDate(10, 0, 0)} {
		if _, err := c.List(t.Context(), day, end); err == nil {
			t.Errorf("a list until %v", end)
		}
	}
}

// A list that is refused, or has no proper answer, is an error that says why, and never an empty day.
func TestRefusedListsSayWhy(t *testing.T) {
	day := time.Date(2026, 1, 31, 0, 0, 0, 0, qfpayZone)
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{200, `{"respcd":"1108","resperr":"signature"}`, "QFPay answers 1108: signature error"},
		{200, `{"respcd":"1203","resperr":"account"}`, `no whole list: QFPay refuses the query: HTTP 200, respcd "1203"`},
		{502, "", "502"},
	} {
		got, err := newTestClient(t, says(t, tt.status, tt.body).url).List(t.Context(), day, day.AddDate(0, 0, 1))
		if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
			t.Errorf("HTTP %d, %s: %v, %v", tt.status, tt.body, got, err)
		}
	}
}

// A list over the end of a month is asked for month by month, and every row of it comes: of any kind, state and
// outcome, with what a comparison of books needs.
func TestListAcrossMonths(t *testing.T) {
	rows := map[string][]string{
		"2026-01-31 22:00:00..2026-01-31 23:59:59": {itemBody, with(t, itemBody, map[string]any{"cancel": "3", "syssn": "2"})},
		"2026-02-01 00:00:00..2026-02-28 23:59:59": {with(t, itemBody, map[string]any{"respcd": "1202", "syssn": "3"})},
		"2026-03-01 00:00:00..2026-03-01 01:59:59": {with(t, itemBody, map[string]any{"order_type": "refund", "syssn": "4", "origssn": "2"}),
			with(t, itemBody, map[string]any{"order_type": "refund", "syssn": "", "origssn": nil, "orig_syssn": "2", "orig_out_trade_no": "T1"}),
			with(t, itemBody, map[string]any{"order_type": "preauth", "syssn": "5", "cancel": "4"})},
	}
	g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
		all, ok := rows[f.Get("start_time")+".."+f.Get("end_time")]
		if !ok {
			t.Errorf("asked %v", f)
		}
		if f.Get("page") != "1" {
			all = nil
		}
		w.Write([]byte(listBody(all...)))
	})
	got, err := newTestClient(t, g.url).List(t.Context(), qfpayTime(t, "2026-01-31 22:00:00"), qfpayTime(t, "2026-03-01 02:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range got {
		all = append(all, fmt.Sprint(i.OrderType, " ", i.SysSN, " ", i.RespCD, " ", i.Cancel, " ", i.OrigSysSN, " ", i.OrigNumber))
	}
	want := []string{"payment 20260101000100020000000001 0000 0  ", "payment 2 0000 3  ", "payment 3 1202 0  ", "refund 4 0000 0 2 ", "refund  0000 0 2 T1", "preauth 5 0000 4  "}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
}

// A poll of one payment costs one request where QFPay says that its page would hold more, and where a customer waits
// for what is paid already. What failed is looked for on the next page as well.
func TestOneTransactionOneRequest(t *testing.T) {
	stated := strings.Replace(listBody(with(t, itemBody, map[string]any{"respcd": "1143"})), `"page": 1`, `"page": 1, "page_size": "10"`, 1)
	for name, tt := range map[string]struct {
		body    string
		urgency Urgency
		want    int64
	}{
		"size stated":            {stated, FollowUp, 1},
		"failed, size stated":    {strings.Replace(stated, `1143`, `1181`, 1), FollowUp, 2},
		"size as many as came":   {strings.Replace(stated, `"10"`, `1`, 1), FollowUp, 2},
		"size not stated":        {listBody(with(t, itemBody, map[string]any{"respcd": "1143"})), FollowUp, 2},
		"paid, a customer waits": {listBody(itemBody), Customer, 1},
		"paid, nobody waits":     {listBody(itemBody), FollowUp, 2},
		"two items, size stated": {strings.Replace(listBody(itemBody, itemBody), `"page": 1`, `"page_size": 10`, 1), FollowUp, 2},
		"nothing":                {listBody(), Customer, 2}, // by number, then by month
		"refused":                {`{"respcd":"1108"}`, Customer, 1},
	} {
		g := says(t, 200, tt.body)
		q := question
		q.Urgency = tt.urgency
		newTestClient(t, g.url).Query(t.Context(), q)
		if n := g.requests.Load(); n != tt.want {
			t.Errorf("%s: %d requests instead of %d", name, n, tt.want)
		}
	}
}

// A number may have a failed attempt and a paid one, and QFPay may put them on two pages whatever page_size it tells: the
// failed one proves nothing alone.
func TestPaidAttemptOnTheNextPage(t *testing.T) {
	failed := with(t, itemBody, map[string]any{"respcd": "1181", "syssn": "20261122000300020000000009"})
	g := serve(t, func(w http.ResponseWriter, _ string, f url.Values) {
		n, _ := strconv.Atoi(f.Get("page"))
		body := listBody([][]string{{}, {failed}, {itemBody}, {}}[min(n, 3)]...)
		body = strings.Replace(body, `"page": 1`, `"page": `+f.Get("page")+`, "page_size": 100`, 1)
		w.Header().Set("X-QF-SIGN", seal5(body))
		w.Write([]byte(body))
	})
	if got := newTestClient(t, g.url).Query(t.Context(), question); got.Meaning != Paid {
		t.Errorf("%+v", got)
	}
}
