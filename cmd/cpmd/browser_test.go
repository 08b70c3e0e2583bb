package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// pictures is where the tests leave what they saw, for a person to look at.
const pictures = "../../out/pictures"

// A browser is a headless Chromium and all that its tabs complained of or asked for.
type browser struct {
	t   *testing.T // the test, or the part of it that runs
	ctx context.Context

	mu     sync.Mutex
	errors []string
	hosts  map[string]bool
	calm   bool // errors count; not while cpmd is away on purpose
}

// A tab is one page in it.
type tab struct {
	*browser
	ctx context.Context
}

var inBrowser = flag.Bool("browser", false, "the pages are looked at in a browser, which takes minutes and a machine that does nothing else")

func openBrowser(t *testing.T) *browser {
	t.Helper()
	if !*inBrowser {
		t.Skip("not asked for: make test-browser")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: apt-get install chromium fonts-noto-cjk")
	}
	if out, err := exec.Command("fc-list", ":lang=zh-tw", "family").Output(); err != nil || len(out) == 0 {
		t.Skip("there is no font for Chinese: apt-get install fontconfig fonts-noto-cjk")
	}
	if err := os.MkdirAll(pictures, 0o777); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocated, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	t.Cleanup(func() { cancel(); stop() })
	b := &browser{t: t, ctx: ctx, hosts: map[string]bool{}, calm: true}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) open(address string) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, b.heard); err != nil {
		b.t.Fatal(err)
	}
	tb := &tab{b, ctx}
	tb.size(1280, 800, "light")
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		b.t.Fatal(err)
	}
	tb.do(chromedp.Navigate(address))
	return tb
}

func (b *browser) heard(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wrong := ""
	switch e := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		wrong = fmt.Sprintf("console.%s", e.Type)
	case *runtime.EventExceptionThrown:
		wrong = e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			wrong += " " + e.ExceptionDetails.Exception.Description
		}
	case *log.EventEntryAdded:
		wrong = e.Entry.Text + " " + e.Entry.URL
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Host != "" {
			b.hosts[u.Host] = true
		}
	}
	if wrong != "" && b.calm {
		b.errors = append(b.errors, wrong)
	}
}

func (b *browser) setCalm(calm bool) { b.mu.Lock(); b.calm = calm; b.mu.Unlock() }

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.t.Fatal(err)
	}
}

// patience is for machines that do much else.
const patience = 90 * time.Second

// js runs a function's body in the page.
func js[T any](tb *tab, body string) T {
	tb.t.Helper()
	v, err := tryJS[T](tb, body)
	if err != nil {
		tb.t.Fatalf("%s: %v", body, err)
	}
	return v
}

func tryJS[T any](tb *tab, body string) (T, error) {
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T]("(async () => {"+body+"})()", chromedp.EvalAwaitPromise))
}

// polled runs a function's body in the page until what it returns is right. A page that loads meanwhile is asked again.
func polled[T any](tb *tab, body string, right func(T) bool) (last T, err error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if last, err = tryJS[T](tb, body); err == nil && right(last) {
			return last, nil
		}
	}
	tb.picture("failed")
	return last, fmt.Errorf("for %v the page had only %v (%v)", patience, last, err)
}

// sees waits until the visible text of an element has words in it.
func (tb *tab) sees(selector, words string) {
	tb.t.Helper()
	read := fmt.Sprintf("return document.querySelector(%q)?.innerText ?? ''", selector)
	if _, err := polled(tb, read, func(seen string) bool { return strings.Contains(seen, words) }); err != nil {
		tb.t.Fatalf("%s never showed %q: %v", selector, words, err)
	}
}

// closes waits until a dialog is gone. One that stays says why.
func (tb *tab) closes(selector string) {
	tb.t.Helper()
	read := fmt.Sprintf("const d = document.querySelector(%q); return d.open ? d.innerText : ''", selector)
	if _, err := polled(tb, read, func(seen string) bool { return seen == "" }); err != nil {
		tb.t.Fatalf("%s stays open: %v", selector, err)
	}
}

// press clicks the button with this text inside an element, once it is there.
func (tb *tab) press(selector, text string) {
	tb.t.Helper()
	click := fmt.Sprintf(`const b = [...document.querySelectorAll(%q + " button")].find((b) => b.innerText === %q && !b.disabled); b?.click(); return !!b`,
		selector, text)
	if _, err := polled(tb, click, func(clicked bool) bool { return clicked }); err != nil {
		tb.t.Fatalf("%s has no button %q: %v", selector, text, err)
	}
}

func (tb *tab) size(width, height int64, scheme string) {
	tb.t.Helper()
	tb.do(chromedp.EmulateViewport(width, height))
	p := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	if _, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, p); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) picture(name string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(pictures, name+".png"), png, 0o666)
	}
	if err != nil {
		tb.t.Error(err)
	}
}

// fits checks that nothing stands beyond the right edge.
func (tb *tab) fits(what string) {
	tb.t.Helper()
	if over := js[int](tb, "return document.documentElement.scrollWidth - innerWidth"); over > 0 {
		tb.t.Errorf("%s is %d px too wide", what, over)
	}
}

// accessible has axe-core look for what keeps people out.
func (tb *tab) accessible(what, axe string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](axe+"; null")); err != nil {
		tb.t.Fatalf("%s: axe-core does not load: %v", what, err)
	}
	for _, v := range js[[]string](tb, `const r = await axe.run({resultTypes: ["violations"]});
		return r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | "))`) {
		tb.t.Errorf("%s: %s", what, v)
	}
}

// axeVersion of npm's axe-core (MPL-2.0) is looked for in the folder $AXE_CORE, and else fetched once and kept in the user's
// cache; it is no part of cpmd.
const axeVersion = "4.10.3"

func axeCore(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("AXE_CORE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "cpmd-axe-"+axeVersion)
	}
	file := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	if _, err := os.Stat(file); err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if out, err := exec.CommandContext(ctx, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "axe-core@"+axeVersion).CombinedOutput(); err != nil {
			t.Skipf("axe-core cannot be had (%v): apt-get install npm, or put axe.min.js at %s\n%s", err, file, out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
