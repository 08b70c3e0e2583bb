package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
)

// TestBrowserWebTill: docs/examples/till.html, on an origin that the configuration names, through the stories of the other examples.
func TestBrowserWebTill(t *testing.T) {
	b := openBrowser(t)
	b.setCalm(false) // the browser reports every request that cpmd does not answer
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "../../docs/examples/till.html") }))
	defer site.Close()
	addr := freePort(t)
	st, ctx := setUp(t, stage.Plan{Timing: `scan = "5m"
answer = "2s"
poll = "300ms"
confirm = "2s"
give_up = "4s"
follow_up = ["1s"]`, More: fmt.Sprintf(`[[till]]
name = "webtill"
dialect = "http"
listen = "tcp:%s"
token_file = "webtill.token"
allow = ["sell"]
origins = [%q]
`, addr, site.URL)})
	token, err := os.ReadFile(filepath.Join(filepath.Dir(st.Config()), "webtill.token"))
	if err != nil {
		t.Fatal(err)
	}
	page := b.open(site.URL)
	js[any](page, fmt.Sprintf(`localStorage.setItem("settings", JSON.stringify({url: %q, token: %q})); location.reload()`,
		"http://"+addr, strings.TrimSpace(string(token))))
	open := func(ticket string) {
		t.Helper()
		fill := fmt.Sprintf(`const f = document.getElementById("bill"); if (!f || f.elements.amount.disabled || !localStorage.getItem("settings")) return false;
			f.elements.amount.value = "128.50"; f.elements.ticket.value = %q; f.requestSubmit(); return true`, ticket)
		if _, err := polled(page, fill, func(done bool) bool { return done }); err != nil {
			t.Fatal(err)
		}
		page.sees("#message", "show the payment code")
	}
	scan := func(code string) {
		t.Helper()
		if err := st.Scan(1, code); err != nil {
			t.Fatal(err)
		}
	}

	ends := func(outcome string) {
		t.Helper()
		if _, err := polled(page, `return document.getElementById("outcome").innerText`, func(shown string) bool { return shown == outcome }); err != nil {
			t.Fatal(err)
		}
	}

	open("paid")
	scan("280000000002010000")
	ends("PAID")

	open("declined")
	scan("280000000002021202")
	page.sees("#message", "code") // a fresh one is asked for
	page.press("#bill", "Cancel")
	ends("NOT PAID")

	open("unknown")
	scan("280000000002030060")
	ends("NOT KNOWN YET: do not charge again")
	sales, err := st.Till.Sales(ctx, sale.Filter{Ticket: "unknown"})
	if err != nil || len(sales) != 1 {
		t.Fatalf("%v %v", sales, err)
	}
	if err := st.Complete(sales[0].Payments[0].OutTradeNo); err != nil {
		t.Fatal(err)
	}
	ends("PAID")

	open("restarted")
	if err := st.Kill(); err != nil {
		t.Fatal(err)
	}
	page.sees("#message", "No answer. Asking again.")
	if err := st.Start(); err != nil {
		t.Fatal(err)
	}
	if err := st.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	page.sees("#message", "show the payment code")
	js[any](page, "location.reload()") // the page itself may crash too
	page.sees("#message", "show the payment code")
	scan("280000000002040000")
	ends("PAID")

	sales, err = st.Till.Sales(ctx, sale.Filter{})
	if err != nil || len(sales) != 4 {
		t.Errorf("the page opened %d sales for 4 bills (%v)", len(sales), err)
	}
}
