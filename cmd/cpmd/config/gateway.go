package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func gateway(t *table) Gateway {
	defer t.done()
	return Gateway{
		// No default: credentials belong to one of QFPay's hosts, and the wrong host answers with a
		// signature error (QFPay docs, environments page).
		URL:       need(t, "url", "https://openapi-hk.qfapi.com", gatewayURL),
		AppCode:   read(t, "app_code_file", "app_code", t.public),
		ClientKey: read(t, "client_key_file", "client_key", t.secret),
		MchID: read(t, "mchid", "", func(s string) (string, error) {
			if s == "" {
				return "", nil
			}
			return letters(64, "_-")(s)
		}),
		Signature: read(t, "signature", "MD5", oneOf("MD5", "SHA256")),
		Zone:      read(t, "timezone", "+08:00", zone),
		// 400 requests a minute are what one merchant may send, all tills together (QFPay docs, rate limits).
		RatePerMinute: read(t, "rate_per_minute", 400, between(1, 400)),
		Currencies:    currencies(t),
	}
}

// gatewayURL accepts https anywhere and http on this machine, where no network can listen in.
func gatewayURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return "", todo("is not a web address; write one such as https://openapi-hk.qfapi.com")
	}
	if p := u.Port(); p != "" || strings.HasSuffix(u.Host, ":") {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return "", todo("has no usable port; write a number from 1 to 65535 after the colon, or leave both out")
		}
	}
	base := (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	switch {
	case u.User != nil:
		return "", todo("must not hold a user name or password; the credentials go into app_code_file and client_key_file")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", todo("must end after the host; write %s", base)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return base, nil
	case u.Scheme == "http":
		return "", todo("would send payment codes unencrypted; write https:// (http:// is for 127.0.0.1, [::1] and localhost only)")
	}
	return "", todo("must start with https://")
}

func loopbackURL(base string) bool {
	u, err := url.Parse(base)
	return err == nil && loopback(u.Hostname())
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Zone() == "" && a.Unmap().IsLoopback()
}

var zoneForm = regexp.MustCompile(`^([+-])(\d\d):([0-5]\d)$`)

func zone(s string) (*time.Location, error) {
	m := zoneForm.FindStringSubmatch(s)
	if m == nil {
		return nil, todo(`%q is not an offset from UTC; write one such as "+08:00"`, s)
	}
	hours, _ := strconv.Atoi(m[2])
	minutes, _ := strconv.Atoi(m[3])
	offset := hours*60 + minutes
	if m[1] == "-" {
		offset = -offset
	}
	if offset < -12*60 || offset > 14*60 {
		return nil, todo("%q is out of range; write an offset from -12:00 to +14:00", s)
	}
	return time.FixedZone(s, offset*60), nil
}

// currencies reads how many decimals the minor unit of each accepted currency has. There is no table to
// default to: QFPay's documents do not agree on it (JPY: "cents" against "the smallest unit").
func currencies(t *table) map[string]int {
	t.knows("currencies", "{ HKD = 2 }")
	if t.values["currencies"] == nil {
		return map[string]int{"HKD": 2}
	}
	sub := t.table("currencies")
	all := map[string]int{}
	for code := range sub.values {
		if len(code) != 3 || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			sub.fault(code, `is not a currency; write its three capital letters, such as HKD`)
			continue
		}
		raw, ok := sub.values[code].(int64)
		if !ok || raw < 0 || raw > 4 {
			sub.fault(code, "must be the number of decimals, 0 to 4, such as HKD = 2 or JPY = 0")
			continue
		}
		all[code] = int(raw)
	}
	if len(sub.values) == 0 && !sub.broken {
		t.fault("currencies", "is empty; name at least one, such as { HKD = 2 }")
	}
	return all
}
