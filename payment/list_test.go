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
	for _, total := range []int{9, 10, 11, 99, 100, 101, 200} {
		for _, most := range []int{10, 100} {
			var items []string
			for n := range total - 1 {
				items = append(items, with(t, itemBody, map[string]any{"out_trade_no": fmt.Sprint("T", n), "syssn": fmt.Sprint(n)}))
			}
			items = append(items, itemBody)
			c := newTestClient(t, pages(t, items, most).url)
			if f := c.Query(t.Context(), question); f.Meaning != Paid {
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
	for _, end := range []time.Time{day, day.Add(-time.Hour), day.AddDate(0, 0, 2)} {
		if _, err := c.List(t.Context(), day, end); err == nil {
			t.Errorf("a list until %v", end)
		}
	}
	refused := newTestClient(t, says(t, 200, `{"respcd":"1108","resperr":"signature"}`).url)
	if _, err := refused.List(t.Context(), day, day.AddDate(0, 0, 1)); err == nil || !strings.Contains(err.Error(), "1108") {
		t.Errorf("a refused list: %v", err)
	}
}
