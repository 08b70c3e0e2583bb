package page_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
	"cpmd/till/page"
)

// A folder adds languages and replaces them, and says what is wrong with a file.
func TestLanguages(t *testing.T) {
	english, err := os.ReadFile("languages/en.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("fr.json", strings.ReplaceAll(string(english), "Welcome", "Bienvenue"))
	write("EN.json", strings.ReplaceAll(string(english), "Welcome", "Good day"))
	write("notes.txt", "not a language")
	l, err := page.ReadLanguages(dir)
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{"": "Good day", "fr": "Bienvenue", "fr-CA": "Bienvenue", "xx": "Good day", "en-GB": "Good day",
		"zh-HK": "歡迎光臨", "zh-TW": "歡迎光臨", "zh-CN": "欢迎光临", "zh": "欢迎光临", "zh-Hant-HK": "歡迎光臨", "xx, fr": "Bienvenue"} {
		if got := l.Texts(page.Idle, asked); len(got) != 1 || got[0].Title != want {
			t.Errorf("%q: %+v, want %s", asked, got, want)
		}
	}
	if got := l.Texts(page.Paid, "zh-HK,en,zh-Hant"); len(got) != 2 || got[0].Lang != "zh-Hant" || got[1].Lang != "EN" {
		t.Errorf("%+v", got)
	}
	for name, wrong := range map[string][2]string{
		"no JSON":    {"{", "write"},
		"no name":    {`{"texts":{}}`, "name"},
		"missing":    {`{"name":"X","texts":{"idle":["a"]}}`, "missing: scan"},
		"unknown":    {`{"name":"X","texts":{"pay":["a"]}}`, `"pay"`},
		"empty":      {strings.ReplaceAll(string(english), `["Paid", "Thank you"]`, `[""]`), `"paid"`},
		"three":      {strings.ReplaceAll(string(english), `["Paid", "Thank you"]`, `["a","b","c"]`), `"paid"`},
		"other keys": {`{"name":"X","more":1,"texts":{}}`, "more"},
	} {
		write("fr.json", wrong[0])
		if _, err := page.ReadLanguages(dir); err == nil || !strings.Contains(err.Error(), wrong[1]) || !strings.Contains(err.Error(), "fr.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := page.ReadLanguages(filepath.Join(dir, "none")); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Error(err)
	}
}

// What a customer is shown at each state of a sale, and for how long.
func TestShowing(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC)
	by := now.Add(time.Minute)
	open := sale.LaneView{Name: "1", Scanner: sale.ScannerView{State: "open"}}
	gone := sale.LaneView{Name: "1", Scanner: sale.ScannerView{State: "lost"}}
	of := func(l sale.LaneView, v sale.View) sale.LaneView {
		v.Amount, v.UpdatedAt = 100, now
		l.Sale = &v
		return l
	}
	// Of the rule book's own making, so that it is noticed here if its words change.
	r := sale.DefaultRules()
	s := sale.Sale{State: sale.Confirming, Payments: []sale.Payment{{Outcome: sale.Alive, GiveUpBy: by}}}
	checking := sale.ViewOf(s, r)
	s.Payments[0].Progress.Last = "pending"
	phone := sale.ViewOf(s, r)
	lost := sale.Payment{Outcome: sale.OutcomePaid, SysSN: "7"}
	lost.Progress.Audit.Missing = true
	moneyGone := sale.ViewOf(sale.Sale{State: sale.Paid, Amount: 100, Payments: []sale.Payment{lost}}, r)
	for name, c := range map[string]struct {
		lane sale.LaneView
		want page.Show
	}{
		"idle":           {open, page.Idle},
		"no scanner":     {gone, page.Closed},
		"waiting":        {of(open, sale.View{State: sale.Waiting, ScanBy: &by}), page.Scan},
		"waiting, gone":  {of(gone, sale.View{State: sale.Waiting, ScanBy: &by}), page.Closed},
		"waiting again":  {of(open, sale.View{State: sale.Waiting, ScanBy: &by, Payments: []sale.PaymentView{{}}}), page.Again},
		"paying":         {of(open, sale.View{State: sale.Paying}), page.Processing},
		"checking":       {of(open, checking), page.Checking},
		"on the phone":   {of(open, phone), page.Confirm},
		"lost, on phone": {of(gone, phone), page.Confirm},
		"reversing":      {of(open, sale.View{State: sale.Reversing}), page.Checking},
		"delivery":       {of(open, sale.View{State: sale.Paid, Delivery: sale.Returning, Refunded: 5}), page.Returned},
	} {
		v := page.Showing(c.lane, nil, now)
		if v.Show != c.want {
			t.Errorf("%s: %s, want %s", name, v.Show, c.want)
		}
		if counts := v.Until != nil; counts != (c.want == page.Scan || c.want == page.Again || c.want == page.Confirm) {
			t.Errorf("%s: counts down: %v", name, counts)
		}
	}
	for name, c := range map[string]struct {
		last  sale.View
		age   time.Duration
		want  page.Show
		after page.Show
	}{
		"paid":       {sale.View{State: sale.Paid}, 8 * time.Second, page.Paid, page.Idle},
		"refunded":   {sale.View{State: sale.Paid, Refunded: 5}, 0, page.Idle, page.Idle},
		"money gone": {moneyGone, 0, page.Idle, page.Idle},
		"declined":   {sale.View{State: sale.NotPaid, Reason: sale.Declined}, 12 * time.Second, page.Declined, page.Idle},
		"cancelled":  {sale.View{State: sale.NotPaid, Reason: sale.Cancelled}, 12 * time.Second, page.Cancelled, page.Idle},
		"no scan":    {sale.View{State: sale.NotPaid, Reason: sale.NoScan}, 12 * time.Second, page.NoScan, page.Idle},
		"undone":     {sale.View{State: sale.NotPaid, Reason: sale.Reversed}, 12 * time.Second, page.NotPaid, page.Idle},
		"unresolved": {sale.View{State: sale.Unresolved}, 30 * time.Second, page.Ask, page.Idle},
	} {
		c.last.UpdatedAt = now.Add(-c.age)
		if v := page.Showing(open, &c.last, now); v.Show != c.want {
			t.Errorf("%s: %s, want %s", name, v.Show, c.want)
		}
		if v := page.Showing(open, &c.last, now.Add(time.Second)); c.age > 0 && v.Show != c.after {
			t.Errorf("%s, later: %s, want %s", name, v.Show, c.after)
		}
	}
}

// The pages load their own files and nothing else, and have nothing that the policy forbids.
func TestFiles(t *testing.T) {
	entries, err := os.ReadDir("static")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		body, mediaType, ok := page.File(e.Name())
		if !ok || mediaType == "" {
			t.Fatalf("%s is not served", e.Name())
		}
		text := string(body)
		for _, m := range regexp.MustCompile(`(?:src=|href=|from |url\()"?([^" )>]+)`).FindAllStringSubmatch(text, -1) {
			name, ours := strings.CutPrefix(m[1], "/page/")
			if _, _, ok := page.File(name); ours && !ok {
				t.Errorf("%s loads %s, which is not there", e.Name(), m[1])
			}
		}
		without := strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")
		for _, forbidden := range []string{"http:", "https:", "innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", " style=", "onclick=\"", "<script>", "<style"} {
			if strings.Contains(without, forbidden) {
				t.Errorf("%s has %q", e.Name(), forbidden)
			}
		}
	}
	if _, _, ok := page.File("../page.go"); ok {
		t.Error("files outside the folder are served")
	}
}

// A display says nothing of the codes that it does not know: one may have been shown and refused, or have left the machine.
func TestDisplaysClaimNothingOfTheCode(t *testing.T) {
	for show, never := range map[page.Show][]string{page.NoScan: {"No code", "內出示", "内出示"}, page.Again: {"did not work", "無法使用", "无法使用"}} {
		for _, text := range page.BuiltIn().Texts(show, "en,zh-Hant,zh-Hans") {
			for _, w := range never {
				if strings.Contains(text.Title+text.Hint, w) {
					t.Errorf("%s %s: %q, %q", text.Lang, show, text.Title, text.Hint)
				}
			}
		}
	}
}

// What a customer reads of a sale that is not paid claims nothing of the money, which may still be taken: it says what to do.
func TestDisplaysClaimNothingOfTheMoney(t *testing.T) {
	for _, show := range []page.Show{page.Again, page.Declined, page.Cancelled, page.NotPaid} {
		for _, text := range page.BuiltIn().Texts(show, "en,zh-Hant,zh-Hans") {
			if !strings.Contains(text.Hint, "phone") && !strings.Contains(text.Hint, "手機") && !strings.Contains(text.Hint, "手机") {
				t.Errorf("%s %s: %q", text.Lang, show, text.Hint)
			}
		}
	}
}
