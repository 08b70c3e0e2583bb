package queue

// A RefundState is where a refund stands.
type RefundState string

const (
	Refunding   RefundState = "refunding"    // sent, or being followed
	Refunded    RefundState = "refunded"     // final: the money went back
	NotRefunded RefundState = "not_refunded" // final: proved that no money went back
)

// Final says that the state never changes again.
func (s RefundState) Final() bool { return s == Refunded || s == NotRefunded }
