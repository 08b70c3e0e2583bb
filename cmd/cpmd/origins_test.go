package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cpmd/queue/sale"
)

// TestBrowserOrigins: a web page of another origin can neither read nor act, whatever it knows; one that the
// configuration names can, with the token.
func TestBrowserOrigins(t *testing.T) {
	b := openBrowser(t)
	b.setCalm(false)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html><title>a till</title>") }))
	defer site.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(site.URL, "http://"))
	st, ctx, base := pagesStage(t, fmt.Sprintf("%q", site.URL))
	token, err := os.ReadFile(filepath.Join(filepath.Dir(st.Config()), "token"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := st.Till.PutSale(ctx, sale.Request{ID: "open", Amount: 700, Currency: "HKD", Lane: "1"}); err != nil {
		t.Fatal(err)
	}
	tries := fmt.Sprintf(`
		const base = %q, auth = {Authorization: "Bearer " + %q}, done = [];
		const told = async (name, f) => { try { const r = await f(); done.push(name + " " + (r ?? "")); } catch { done.push(name + " kept out"); } };
		await told("read", async () => (await fetch(base + "/v1/lanes", {headers: auth})).status);
		await told("read without token", async () => (await fetch(base + "/v1/lanes")).status);
		await told("page", async () => (await fetch(base + "/")).status);
		await told("put", async () => (await fetch(base + "/v1/sales/evil", {method: "PUT", headers: auth, body: JSON.stringify({amount: 1, currency: "HKD", lane: "2"})})).status);
		await told("cancel", async () => { await fetch(base + "/v1/sales/open/cancel", {method: "POST", mode: "no-cors", credentials: "include"}); });
		await told("login", async () => (await fetch(base + "/page/login", {method: "POST", mode: "no-cors", body: "{}"})).type);
		return done`, base, strings.TrimSpace(string(token)))
	others := b.open("http://localhost:" + port) // the same server by another name is another origin
	got := js[[]string](others, tries)
	want := []string{"read kept out", "read without token kept out", "page kept out", "put kept out"}
	if !slices.Equal(got[:4], want) {
		t.Errorf("another origin: %q", got)
	}
	if framed := js[string](others, fmt.Sprintf(`const f = document.createElement("iframe"); f.src = %q; document.body.append(f);
		await new Promise((r) => { f.onload = r; setTimeout(r, 5000); }); try { return f.contentDocument === null ? "kept out" : f.contentDocument.title } catch { return "kept out" }`, base+"/")); framed != "kept out" {
		t.Errorf("the page can be framed: %q", framed)
	}
	if v, err := st.Till.Sale(ctx, "open"); err != nil || v.State != sale.Waiting {
		t.Errorf("%+v %v: another origin acted", v, err)
	}
	if v, err := st.Till.Sale(ctx, "evil"); err == nil {
		t.Errorf("another origin sold: %+v", v)
	}
	friend := b.open(site.URL)
	if got := js[[]string](friend, tries); !slices.Equal(got[:2], []string{"read 200", "read without token 401"}) || got[3] != "put 201" {
		t.Errorf("the till's page: %q", got)
	}
	if v, err := st.Till.Sale(ctx, "open"); err != nil || v.State != sale.Waiting {
		t.Errorf("%+v %v: cancelled without the token", v, err)
	}
}
