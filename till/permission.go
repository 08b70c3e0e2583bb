package till

import (
	"fmt"
	"slices"
	"strings"

	"cpmd/queue/sale"
)

// A Permission is one thing that an [Endpoint] may allow.
type Permission string

const (
	Sell    Permission = "sell"    // open sales, cancel them, confirm deliveries, feed a virtual lane
	Refund  Permission = "refund"  // give money back
	Resolve Permission = "resolve" // decide what nobody could find out
	Read    Permission = "read"    // see everybody's sales, totals and the diagnosis
	Display Permission = "display" // the customer display
)

// Permissions are all there are. DefaultPermissions are those of an endpoint that names none.
var (
	Permissions        = []Permission{Sell, Refund, Resolve, Read, Display}
	DefaultPermissions = []Permission{Sell, Refund, Resolve, Read}
)

// anyOf is what an operation needs: one of these permissions. None: being let in is enough.
func anyOf(p ...Permission) []Permission { return p }

// An access is what the program at the other end of a connection may do.
type access struct {
	name  string // of the endpoint
	by    string // the endpoint and, over a Unix socket, the user: for the journal
	may   map[Permission]bool
	lanes []string // nil: all

	derived bool // let in by a token that was made from the endpoint's: one of the pages
}

// accessOf works out what a peer may do at an endpoint.
func accessOf(e Endpoint, p peer) access {
	x := access{name: e.name(), by: e.name(), may: map[Permission]bool{}, lanes: e.Lanes}
	if user := p.userName(); user != "" {
		x.by += peerMark + user
	}
	for _, perm := range e.allowed() {
		members, limited := e.Peers[perm]
		x.may[perm] = !limited || p.isOneOf(members)
	}
	return x
}

// peerMark stands between an endpoint and a user in an access's by. No name of a user holds it.
const peerMark = ", user "

// endpointOf returns the endpoint's name of a by.
func endpointOf(by string) string {
	for _, mark := range []string{operatorMark, peerMark} {
		if i := strings.LastIndex(by, mark); i >= 0 {
			by = by[:i]
		}
	}
	return by
}

func notAllowed(id, format string, args ...any) error {
	return &sale.Error{Code: NotAllowed, Sale: id, Detail: fmt.Sprintf(format, args...)}
}

// check refuses what needs a permission that is not there.
func (x access) check(needs []Permission) error {
	if len(needs) == 0 || slices.ContainsFunc(needs, func(p Permission) bool { return x.may[p] }) {
		return nil
	}
	return notAllowed("", `This needs the permission %s, which endpoint %s does not give you; see allow and peers of its [[till]].`,
		either(needs), x.name)
}

func either(needs []Permission) string {
	words := make([]string, len(needs))
	for i, p := range needs {
		words[i] = `"` + string(p) + `"`
	}
	return strings.Join(words, " or ")
}

// seesAll reports whether no sale of any lane is hidden.
func (x access) seesAll() bool { return x.may[Read] && x.lanes == nil }

// lane refuses a lane that the endpoint is not for.
func (x access) lane(name string) error {
	if x.lanes == nil || slices.Contains(x.lanes, name) {
		return nil
	}
	return notAllowed("", "Endpoint %s is for lane %s only; see lanes of its [[till]].", x.name, strings.Join(x.lanes, ", "))
}

// sees refuses a sale of another lane, and without the permission to read one that another endpoint opened.
func (x access) sees(v sale.View) error {
	if err := x.lane(v.Lane); err != nil {
		return err
	}
	if x.may[Read] || endpointOf(v.By) == x.name {
		return nil
	}
	return notAllowed(v.ID, `Sale %s was not opened at endpoint %s; seeing or cancelling it needs the permission "read".`, v.ID, x.name)
}
