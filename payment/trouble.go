package payment

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Trouble is one thing between this machine and QFPay that a person has to mend. The same cause has the same words
// each time, without numbers that change, so that it can be told once.
type Trouble struct {
	Kind Kind
	What string // what is wrong
	ToDo string // and what to do about it
}

func (t Trouble) String() string { return t.What + ": " + t.ToDo }

// A Kind tells troubles apart for programs.
type Kind string

const (
	NoSuchHost     Kind = "no_such_host"     // the name in the url does not exist
	NoDNS          Kind = "no_dns"           // names cannot be looked up
	NoNetwork      Kind = "no_network"       // no way leads there
	Forbidden      Kind = "forbidden"        // this machine's own rules keep it from connecting
	ConnRefused    Kind = "refused"          // nothing listens there
	NoConnection   Kind = "no_connection"    // nothing answers at all
	ProxyFails     Kind = "proxy"            // the proxy of HTTPS_PROXY
	UnknownCA      Kind = "unknown_ca"       // TLS is intercepted, or certificates are missing here
	CertExpired    Kind = "cert_expired"     // expired, not valid yet, or the clock is wrong
	CertName       Kind = "cert_name"        // another host's certificate
	NotTLS         Kind = "not_tls"          // TLS cannot be agreed on
	ConnBroken     Kind = "broken"           // connections break off
	NoAnswer       Kind = "no_answer"        // connected, and no answer in time
	RateLimited    Kind = "rate_limited"     // HTTP 429
	OwnLimit       Kind = "own_limit"        // rate_per_minute does not suffice
	OutOfOrder     Kind = "out_of_order"     // QFPay itself has a fault
	NotQFPay       Kind = "not_qfpay"        // something else answers
	WrongKey       Kind = "wrong_key"        // the client key does not fit
	WrongAppCode   Kind = "wrong_app_code"   // nor does the app code, or both belong to another host
	WrongAlgorithm Kind = "wrong_signature"  // the key fits, the way of signing does not
	ForgedAnswer   Kind = "answer_signature" // what comes back is signed by somebody else
	Account        Kind = "account"          // the merchant may not trade
	WrongMchID     Kind = "wrong_mchid"      // a field is missing, or one too many
	ClockOff       Kind = "clock_off"        // this machine's clock
)

// ClockLimit is how wrong this machine's clock may be before a person is told. Cashiers look sales up by it.
const ClockLimit = 10 * time.Minute

// refusals are response codes of a question that say what is set up wrongly (QFPay docs, status-codes page).
var refusals = map[string]Kind{
	"1108": WrongKey, "1109": WrongKey, "1132": WrongKey, "1133": WrongKey, "1135": WrongKey, "1140": WrongKey, "1141": WrongKey, "2003": WrongKey,
	"1103": WrongMchID, "1104": WrongMchID,
	"1105": Account, "1106": Account, "1107": Account, "1110": Account, "1113": Account, "1114": Account, "1115": Account, "1116": Account, "1117": Account,
	"1203": Account, "1241": Account, "1242": Account, "1243": Account, "2001": Account, "2002": Account, "2012": Account,
	"1100": OutOfOrder, "1111": OutOfOrder, "1112": OutOfOrder, "1127": OutOfOrder, "1128": OutOfOrder, "1252": OutOfOrder, "1254": OutOfOrder,
}

var tooMany = Trouble{RateLimited, "QFPay turns requests away, because there are too many a minute (HTTP 429)",
	"give each counter of this merchant a smaller gateway.rate_per_minute, 400 in all"}

// troubles returns what stands in the way, as far as one reply tells. What is about one transaction is none.
func (c *Client) troubles(endpoint string, r reply) (all []Trouble) {
	_, host, _ := strings.Cut(c.base, "://")
	if !r.date.IsZero() {
		if off := r.date.Sub(r.at); off.Abs() > ClockLimit {
			way := "behind"
			if off < 0 {
				way = "ahead of"
			}
			all = append(all, Trouble{ClockOff, fmt.Sprintf("this machine's clock is %s %s QFPay's", roughly(off.Abs()), way),
				"set it, and let it be kept right (timedatectl set-ntp true)"})
		}
	}
	t := r.answered(endpoint, host)
	switch {
	case r.cause != nil:
		t = connection(host, r)
	case t.Kind == WrongAlgorithm:
		t.What = fmt.Sprintf("QFPay does not take requests that are signed with %s, although the client key is right", c.signer.algorithm)
	}
	if t.Kind != "" {
		all = append([]Trouble{t}, all...)
	}
	return all
}

// answered is about a reply that came; its Kind is empty where all is well.
func (r reply) answered(endpoint, host string) Trouble {
	respCD := r.respcd()
	kind := refusals[respCD]
	if endpoint != endQuery && kind != WrongKey { // it may be about the transaction
		kind = ""
	}
	switch {
	case r.status == 0:
		return Trouble{}
	case r.status == http.StatusTooManyRequests:
		return tooMany
	case r.status == http.StatusProxyAuthRequired:
		return Trouble{ProxyFails, "a proxy asks for a password", "write user and password into HTTPS_PROXY, or go without the proxy"}
	case r.status/100 == 5, kind == OutOfOrder:
		return Trouble{OutOfOrder, "QFPay is out of order" + r.short(), "wait; if it stays so for an hour, ask QFPay"}
	case r.status/100 == 3, r.html:
		return Trouble{NotQFPay, host + " answers with a web page and not as QFPay does" + r.short(),
			"correct gateway.url; if it is right, this network asks for a login or filters: open any web page, or ask whoever runs the network"}
	case r.err != nil && r.seal != forged, r.status == http.StatusNotFound:
		return Trouble{NotQFPay, host + " answers, but not as QFPay does" + r.short(), "correct gateway.url: the host alone, as QFPay told you for your country"}
	case kind == WrongKey && r.seal == genuine:
		return Trouble{Kind: WrongAlgorithm, ToDo: `write signature = "MD5" (or "SHA256") in [gateway], whichever it is not now`}
	case kind == WrongKey && r.seal == forged:
		return Trouble{WrongKey, "QFPay refuses the signature (respcd " + respCD + "), and signs its answer with another key",
			"the client key is wrong for this app code: copy it again into the file of gateway.client_key_file"}
	case kind == WrongKey:
		return Trouble{WrongAppCode, "QFPay refuses the signature (respcd " + respCD + ") and does not sign its answer",
			"app code or client key are wrong, or belong to another of QFPay's hosts than " + host + ": compare gateway.url and both files with what QFPay gave you"}
	case r.seal == forged:
		return Trouble{ForgedAnswer, "the signature of QFPay's answers is wrong, although it takes the requests",
			"something between here and QFPay changes answers, or QFPay changed the key: no such answer is believed; ask QFPay, and whoever runs the network"}
	case kind == Account:
		return Trouble{Account, fmt.Sprintf("QFPay refuses this merchant (respcd %s: %s)", respCD, Explain(respCD)), "ask QFPay to put the account in order, and check gateway.mchid"}
	case kind == WrongMchID:
		return Trouble{WrongMchID, "QFPay refuses the form of requests (respcd " + respCD + ")",
			"gateway.mchid must be what QFPay issued, and empty if it issued none"}
	}
	return Trouble{}
}

// short returns in brackets what came.
func (r reply) short() string {
	if c := r.respcd(); r.err == nil && c != "" && r.status/100 == 2 {
		return " (respcd " + words(c, 8) + ")"
	}
	return fmt.Sprintf(" (HTTP %d)", r.status)
}

// connection is about a reply that did not come, or not whole.
func connection(host string, r reply) Trouble {
	err := r.cause
	const network = "check the cable or Wi-Fi and the router"
	var dns *net.DNSError
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" {
		return Trouble{ProxyFails, "the proxy in HTTPS_PROXY cannot be used", "correct it, or take it out (systemctl edit cpmd)"}
	}
	if t := certificate(host, err); t.Kind != "" {
		return t
	}
	switch {
	case errors.Is(err, context.Canceled):
		return Trouble{} // by whoever asked
	case errors.Is(err, errRests):
		return tooMany
	case errors.Is(err, errOwnLimit):
		return Trouble{OwnLimit, "there are more requests than gateway.rate_per_minute lets through", "raise it to this counter's share of QFPay's 400 a minute"}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Trouble{NoSuchHost, "there is no host named " + host, "correct gateway.url; if it is right, the network's name server does not know it"}
	case errors.As(err, &dns):
		return Trouble{NoDNS, "names such as " + host + " cannot be looked up, because no name server answers", network + ", and the name server (resolvectl status, /etc/resolv.conf)"}
	case isAny(err, syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EADDRNOTAVAIL):
		return Trouble{NoNetwork, "no way leads from this machine to " + host, network}
	case isAny(err, syscall.EACCES, syscall.EPERM, syscall.EAFNOSUPPORT):
		return Trouble{Forbidden, "this machine forbids connections to " + host, "check its firewall, and the limits of the service (systemctl cat cpmd)"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Trouble{ConnRefused, host + " refuses connections", "check gateway.url and its port; a firewall may do it too"}
	case timedOut(err) && !r.sent:
		return Trouble{NoConnection, "nothing answers at " + host, network + ", and that the firewall lets cpmd out to it"}
	case timedOut(err):
		return Trouble{NoAnswer, host + " takes the request and gives no answer in time", "wait; if it stays so, " + network + ", then ask QFPay"}
	case isAny(err, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF):
		return Trouble{ConnBroken, "connections to " + host + " break off", "check gateway.url, and that no firewall or filter cuts them; then ask QFPay"}
	}
	return Trouble{NoConnection, "no connection to " + host + " can be made", "cpmctl diagnose shows the error; " + network}
}

// certificate is about TLS.
func certificate(host string, err error) Trouble {
	var (
		issuer  x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		name    x509.HostnameError
		roots   x509.SystemRootsError
		record  tls.RecordHeaderError
		alert   tls.AlertError
	)
	switch {
	case errors.As(err, &roots):
		return Trouble{UnknownCA, "this machine has no list of trusted certificates", "install the package ca-certificates"}
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return Trouble{CertExpired, fmt.Sprintf("the certificate of %s is good from %s to %s, and by this machine's clock it is not now", host,
			invalid.Cert.NotBefore.UTC().Format(time.DateOnly), invalid.Cert.NotAfter.UTC().Format(time.DateOnly)),
			"set the clock if it is wrong (timedatectl); else ask QFPay, or whoever runs the network"}
	case errors.As(err, &name):
		return Trouble{CertName, "what answers at " + host + " shows the certificate of another host",
			"correct gateway.url; if it is right, this network leads elsewhere (a login page, a filter): ask whoever runs it"}
	case errors.As(err, &issuer), errors.As(err, &invalid):
		by := "somebody"
		if issuer.Cert != nil && issuer.Cert.Issuer.CommonName != "" {
			by = fmt.Sprintf("%q", words(issuer.Cert.Issuer.CommonName, 60))
		}
		return Trouble{UnknownCA, fmt.Sprintf("the certificate of %s is signed by %s, whom this machine does not trust", host, by),
			"a filter, proxy or virus scanner reads along: have it leave QFPay alone; if it is nobody's, update ca-certificates"}
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return Trouble{NotTLS, "what answers at " + host + " does not speak TLS as QFPay does", "correct gateway.url and its port; a filter or proxy may do it too"}
	}
	return Trouble{}
}

func isAny(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// roughly writes a duration so that it stays the same while it stands.
func roughly(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%d minutes", d.Round(5*time.Minute)/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d hours", d.Round(time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
}
