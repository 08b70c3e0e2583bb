package config

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"cpmd/payment"
)

// alarm reads who is called when an alarm opens.
func alarm(t *table) Alarm {
	defer t.done()
	return Alarm{
		Command: read(t, "command", []any{}, func(list []any) (all []string, err error) {
			for _, e := range list {
				s, ok := e.(string)
				if !ok || strings.ContainsRune(s, 0) {
					return nil, todo(`holds %s; write the program and its arguments in quotes, such as ["/usr/local/bin/call", "-quiet"]`, kind(e))
				}
				all = append(all, s)
			}
			if len(all) > 0 && !filepath.IsAbs(all[0]) {
				return nil, todo("%q is not a whole path; write one, such as /usr/local/bin/call (no shell looks it up)", all[0])
			}
			return all, nil
		}),
		Webhook: read(t, "webhook", "", func(s string) (payment.Secret, error) {
			u, err := url.Parse(s)
			switch { // what is refused is not repeated: it may be a secret
			case s == "":
				return "", nil
			case err != nil || u.Hostname() == "" || u.Opaque != "":
				return "", todo("is not an address; write one like https://chat.example/hooks/4711")
			case u.User != nil || u.Fragment != "":
				return "", todo("holds a user name or a fragment, which are not sent; leave them out")
			case u.Scheme == "http" && loopback(u.Hostname()), u.Scheme == "https":
				return payment.Secret(s), nil
			}
			return "", todo("must begin with https:// (http:// is for this machine only)")
		}),
	}
}

// callable looks whether the command of alarms can be run.
func (s *source) callable(a Alarm) {
	if len(a.Command) == 0 {
		return
	}
	info, err := os.Stat(a.Command[0])
	switch {
	case err != nil:
		s.warn("alarm.command", "alarm.command", "%s is not there; nobody would hear of an alarm", a.Command[0])
	case info.IsDir() || info.Mode()&0o111 == 0:
		s.warn("alarm.command", "alarm.command", "%s is not a program that can be run; chmod +x it", a.Command[0])
	}
}
