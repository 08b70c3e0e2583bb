package queue

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
)

// newNumber makes an out_trade_no: sortable by time, unguessable, in the characters that QFPay's oldest
// documents allow (QFPay Japan API reference, out_trade_no).
func newNumber(t time.Time) string {
	return fmt.Sprintf("C%s%s", t.UTC().Format("060102150405"), strings.ToUpper(rand.Text()[:12]))
}
