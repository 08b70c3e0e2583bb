package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"cpmd/payment"
	"cpmd/queue/sale"
)

// A bundle is what support needs to see of a counter, in one file without secrets. What cannot be had is said in it and
// left out, so that one can be made while cpmd is down.
type bundle struct {
	t       *tool
	zip     *zip.Writer
	hide    []string // secrets that this machine has; they are in nothing that is read here, but no mistake may let one out
	missing []string
}

const bundleSays = `This is what "cpmctl diagnose -bundle" found on a counter with cpmd, for support.

It holds no key, token, payment code or webhook's address: payment codes and credentials are masked wherever they stand.
It does hold the ids, amounts and operators of recent sales.
`

// configFile is where the package puts the configuration. Tests have it elsewhere.
var configFile = "/etc/cpmd/cpmd.toml"

// logLines is how much of the log is in a bundle.
const logLines = 20000

// makeBundle writes the file; it must not be there yet.
func (t *tool) makeBundle(path string) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already; choose another name", path)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(path)
		}
	}()
	b := &bundle{t: t, zip: zip.NewWriter(f), hide: t.secrets()}
	b.ask(t.first)
	b.command("log.txt", "journalctl", "-u", "cpmd", "-o", "cat", "--no-pager", "-n", fmt.Sprint(logLines))
	b.command("service.txt", "systemctl", "status", "--no-pager", "-n", "0", "cpmd.service", "cpmd.socket")
	b.file("cpmd.toml", configFile)
	b.text("machine.txt", fmt.Sprintf("cpmctl %s\n%s/%s, %d CPUs\n%s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().Format(time.RFC3339)))
	says := bundleSays
	if len(b.missing) > 0 {
		says += "\nWhat could not be had:\n- " + strings.Join(b.missing, "\n- ") + "\n"
	}
	b.text("README.txt", says)
	return b.zip.Close()
}

// ask has the daemon tell how it stands.
func (b *bundle) ask(ctx context.Context) {
	t := b.t
	d, err := t.Diagnosis(ctx)
	if !b.json("diagnosis.json", d, err) {
		return // it would say the same of all that follows
	}
	alarms, err := t.Alarms(ctx, true)
	b.json("alarms.json", alarms, err)
	sales, err := t.Sales(ctx, sale.Filter{Limit: 200})
	b.json("sales.json", sales, err)
	totals, err := t.Totals(ctx, "")
	b.json("totals.json", totals, err)
	last, err := t.LastReconciliation(ctx, "")
	b.json("reconciliation.json", last, err)
	told := map[string]bool{}
	tell := func(id string) {
		if !told[id] && len(told) < 50 {
			told[id] = true
			s, err := t.Story(ctx, id)
			b.json("explain/"+id+".json", s, err)
		}
	}
	for _, l := range d.Lanes {
		if l.Sale != nil {
			tell(l.Sale.ID)
		}
	}
	for _, s := range d.Unsettled {
		tell(s.ID)
	}
	for _, a := range d.Alarms {
		if a.Kind == "sale" {
			tell(a.ID)
		}
	}
	var page bytes.Buffer
	_, err = t.Fetch(ctx, "/metrics", &page)
	b.page("metrics.txt", page.Bytes(), err)
	page.Reset()
	_, err = t.Fetch(ctx, "/readyz", &page)
	b.page("readyz.txt", page.Bytes(), err)
}

func (b *bundle) json(name string, v any, err error) bool {
	text, bad := json.MarshalIndent(v, "", " ")
	return b.page(name, text, errors.Join(err, bad))
}

func (b *bundle) page(name string, text []byte, err error) bool {
	if err != nil {
		b.missing = append(b.missing, fmt.Sprintf("%s: %s", name, b.clean(err.Error())))
		return false
	}
	b.text(name, string(text))
	return true
}

func (b *bundle) command(name, program string, args ...string) {
	ctx, cancel := context.WithTimeout(b.t.first, 20*time.Second)
	defer cancel()
	text, err := exec.CommandContext(ctx, program, args...).Output()
	if len(text) > 0 { // systemctl status exits with 3 for what does not run
		err = nil
	}
	b.page(name, text, err)
}

func (b *bundle) file(name, path string) {
	text, err := os.ReadFile(path)
	b.page(name, text, err)
}

func (b *bundle) text(name, text string) {
	w, err := b.zip.Create(name)
	if err == nil {
		_, err = io.WriteString(w, b.clean(text))
	}
	if err != nil {
		b.missing = append(b.missing, fmt.Sprintf("%s: %v", name, err))
	}
}

var (
	// A webhook's address in a configuration, and whatever somebody put under a name like these.
	secretLine = regexp.MustCompile(`(?im)^(\s*(?:webhook|[a-z_]*(?:key|secret|password|token))\s*=\s*).*$`)
	// A name in an address, and credentials in a header.
	credential = regexp.MustCompile(`(?i)(://)[^/\s"']*@|(authorization["':\s]+(?:bearer|basic)\s+)\S+|(bearer\s+)[A-Za-z0-9._~+/=-]{8,}`)
	// What may be a payment code: wallets' codes have 16 to 24 digits (payment.CheckAuthCode); numbers of QFPay and of
	// cpmd are longer or hold other characters.
	codeLike = regexp.MustCompile(`\b[0-9]{16,24}\b`)
)

// clean masks what may be a secret.
func (b *bundle) clean(text string) string {
	for _, s := range b.hide {
		text = strings.ReplaceAll(text, s, "***")
	}
	text = secretLine.ReplaceAllString(text, `${1}"***"`)
	text = credential.ReplaceAllString(text, "${1}${2}${3}***")
	return codeLike.ReplaceAllStringFunc(text, payment.Mask)
}

// secrets are those that this user can read: they are looked for in all that goes into the bundle.
func (t *tool) secrets() (all []string) {
	for _, path := range []string{t.token, "/run/cpmd/token", "/etc/cpmd/client_key", "/etc/cpmd/app_code"} {
		if path == "" {
			continue
		}
		if b, err := os.ReadFile(path); err == nil {
			if s := strings.TrimSpace(string(b)); len(s) >= 8 {
				all = append(all, s)
			}
		}
	}
	return all
}
