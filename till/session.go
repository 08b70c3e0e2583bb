package till

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cpmd/queue/sale"
)

// Who uses a page has a token that was made from the endpoint's: it outlives a restart of cpmd, nothing has to be
// remembered, and a new token_file ends all of them. It goes in a header like every other, never in a cookie, which a
// browser would send to every port of this machine and with requests of other pages.

const (
	linkLives    = 2 * time.Minute
	sessionLives = 12 * time.Hour
	mostLinks    = 64
	sessionMark  = "page."
	displayMark  = "display."
)

// operatorMark stands between an endpoint or user and the name that an operator gave, which nobody vouches for.
const operatorMark = ", operator "

// A link lets somebody in once.
type link struct {
	code    string
	door    *door
	session session
	expires time.Time
}

// links are those that were made and not used yet, oldest first.
type links struct {
	mu  sync.Mutex
	all []link
}

// A session is what a page's token says.
type session struct {
	Who     string       `json:"who"` // ", user root, operator Mei": what follows the endpoint's name in by
	May     []Permission `json:"may"`
	Lanes   []string     `json:"lanes"` // nil: all
	Expires int64        `json:"expires"`
}

// A LinkView is what opens the pages in a browser.
type LinkView struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
	// Display opens the customer display, and nothing else, as often as one likes; empty: no endpoint has it.
	Display string `json:"display"`
}

// pageLink makes a link to the page at the asker's own endpoint, or else at the first that has it. Whoever uses it may
// do there what the asker may do here, as far as that endpoint allows it.
func (s *Server) pageLink(_ context.Context, a *ask) (int, any, error) {
	if a.derived {
		return 0, nil, notAllowed("", "A page cannot let others in; run cpmctl page.")
	}
	d := s.doorWith(a.name, Endpoint.hasPage)
	if d == nil {
		return 0, nil, &sale.Error{Code: NoPage, Detail: `The page needs a [[till]] that is open, with dialect = "http", listen = "tcp:127.0.0.1:8460" ` +
			`and a token_file, and without allow or with "read" in it.`}
	}
	who := ""
	if endpoint := endpointOf(a.by); endpoint != a.by {
		who = strings.TrimPrefix(a.by, endpoint)
	}
	if a.sale.Operator != "" {
		who += operatorMark + a.sale.Operator
	}
	may := slices.DeleteFunc(slices.Clone(Permissions), func(p Permission) bool { return !a.may[p] })
	now := time.Now()
	l := link{code: random(), door: d, session: session{Who: who, May: may, Lanes: a.lanes}, expires: now.Add(linkLives)}
	s.links.mu.Lock()
	s.links.all = append(s.links.all, l)
	s.links.all = s.links.all[max(0, len(s.links.all)-mostLinks):]
	s.links.mu.Unlock()
	v := LinkView{URL: s.base(d) + "/#login=" + l.code, ExpiresAt: sale.Shown(l.expires)}
	if d := s.doorWith(a.name, Endpoint.hasDisplay); d != nil {
		v.Display = s.base(d) + "/display"
		if len(a.lanes) == 1 {
			v.Display += "?lane=" + url.QueryEscape(a.lanes[0])
		}
		v.Display += "#token=" + d.displayToken()
	}
	return http.StatusOK, v, nil
}

// doorWith finds an open endpoint that has a page; of several, one of that name.
func (s *Server) doorWith(name string, has func(Endpoint) bool) (found *door) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.doors {
		if d.shutdown != nil && has(d.endpoint) && (found == nil || d.endpoint.name() == name) {
			found = d
		}
	}
	return found
}

func (s *Server) base(d *door) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + strings.TrimPrefix(d.addr, "tcp:")
}

// useLink changes a link's code into a session's token. It works once.
func (s *Server) useLink(d *door, code string) (token string, expires time.Time, ok bool) {
	s.links.mu.Lock()
	defer s.links.mu.Unlock()
	now := time.Now()
	s.links.all = slices.DeleteFunc(s.links.all, func(l link) bool { return now.After(l.expires) })
	i := slices.IndexFunc(s.links.all, func(l link) bool { return l.door == d && sameToken(code, l.code) })
	if i < 0 {
		return "", expires, false
	}
	l := s.links.all[i]
	s.links.all = slices.Delete(s.links.all, i, i+1)
	expires = now.Add(sessionLives)
	l.session.Expires = expires.Unix()
	said, _ := json.Marshal(l.session) // never fails: texts and numbers
	body := base64.RawURLEncoding.EncodeToString(said)
	return sessionMark + body + "." + d.sign(sessionMark+body), expires, true
}

// session reads a page's token.
func (d *door) session(token string, now time.Time) (access, bool) {
	body, sum, _ := strings.Cut(strings.TrimPrefix(token, sessionMark), ".")
	if !strings.HasPrefix(token, sessionMark) || !sameToken(sum, d.sign(sessionMark+body)) {
		return access{}, false
	}
	said, err := base64.RawURLEncoding.DecodeString(body)
	var s session
	if err != nil || json.Unmarshal(said, &s) != nil || now.Unix() >= s.Expires {
		return access{}, false
	}
	x := access{name: d.endpoint.name(), by: d.endpoint.name() + s.Who, may: map[Permission]bool{}, lanes: common(s.Lanes, d.endpoint.Lanes), derived: true}
	for _, p := range d.endpoint.allowed() {
		x.may[p] = slices.Contains(s.May, p)
	}
	return x, true
}

// common are the lanes that both name; nil names all.
func common(a, b []string) []string {
	if a == nil || b == nil {
		return append(slices.Clone(a), b...)
	}
	both := []string{} // not nil: none
	for _, l := range a {
		if slices.Contains(b, l) {
			both = append(both, l)
		}
	}
	return both
}

// displayToken can show what the customer sees, and do nothing else.
func (d *door) displayToken() string { return displayMark + d.sign(displayMark) }

// sign returns what proves that something comes from this endpoint; only who knows its token can.
func (d *door) sign(what string) string {
	h := hmac.New(sha256.New, []byte(d.token()))
	h.Write([]byte(d.endpoint.name() + "\n" + what))
	return hex.EncodeToString(h.Sum(nil))
}

func random() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails: crypto/rand
	return hex.EncodeToString(raw)
}
