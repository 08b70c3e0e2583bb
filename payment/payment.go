// Package payment speaks QFPay on the wire for Consumer Presented Mode (CPM): the shop scans the customer's
// wallet code. It builds and signs requests, verifies and decodes answers, and says what each answer means
// for the money. It stores nothing, retries nothing and knows no sale: who asks again, and when, is the
// caller's business.
//
// Start reading at [Client] for the calls and at [Meaning] for what comes back.
package payment

import "time"

// A Meaning is what an answer of QFPay says about the money. The table that maps response codes to meanings
// is in codes.go.
type Meaning string

const (
	// Paid: the money is taken (payment), or given back (refund).
	Paid Meaning = "paid"
	// Pending: QFPay is still at it (1143, 1145 and their like). Follow by query.
	Pending Meaning = "pending"
	// Declined: this code or wallet cannot pay. Believed only after Confirm queries agree.
	Declined Meaning = "declined"
	// Misconfigured: the merchant, store or request is set up wrongly; no customer can pay until somebody mends it.
	Misconfigured Meaning = "misconfigured"
	// Unknown: the answer proves nothing, or there was none. Query.
	Unknown Meaning = "unknown"
	// Duplicate: the number was used before; what became of it only a query tells. It may be paid.
	Duplicate Meaning = "duplicate"
	// NotFound: QFPay knows no such transaction, yet.
	NotFound Meaning = "not_found"
	// Undone: the transaction was cancelled, reversed, closed or refunded; no money is kept.
	Undone Meaning = "undone"
	// Refused: QFPay will not do this refund or cancellation.
	Refused Meaning = "refused"
	// NotSent: surely no byte of the request left this machine.
	NotSent Meaning = "not_sent"
)

// A PaymentRequest is one payment request.
type PaymentRequest struct {
	OutTradeNo string // ours, unique per payment and refund; [A-Za-z0-9_], at most 32 characters
	Amount     int64  // minor units, > 0
	Currency   string // ISO 4217, upper case
	PayType    string // see PayTypes
	AuthCode   AuthCode
	TxDTM      string // as made by FormatTime; the original string is needed again to cancel
	UDID       string // device id shown in QFPay's portal; may be empty
}

// An Answer is what came of a payment, cancel or refund request.
type Answer struct {
	Meaning Meaning
	// Confirm is how many agreeing queries it takes to believe Declined or Misconfigured; 0 for the rest.
	// A QueryResult counts as the first of them.
	Confirm int
	// FreshCode reports whether the same customer can try again with a fresh code.
	FreshCode bool
	// Soft reports whether the customer may still complete this order, although it was not paid: a password that was
	// wrong, a bank that was busy. Such an order has to be closed before another code is taken. See codes.go for which
	// codes these are.
	Soft bool
	// Genuine reports whether the answer carries a signature that only the holder of the client key can make. Once one
	// did, an answer without is Unknown where it would be Paid. For a QueryResult, whether all of its answers do.
	Genuine bool
	// RetryLater reports whether a refused refund may be accepted at another time (1265, 1269).
	RetryLater bool
	RespCD     string // as received; empty without an answer. [Explain] says it in English
	Text       string // QFPay's words (resperr, respmsg), for people only
	SysSN      string // QFPay's id of the payment or refund; may be empty, and is in the answer to a Cancel
	ChnlSN     string // the wallet's id of it; likewise
	PayType    string // the wallet's pay_type that QFPay resolved; may be empty
	// Throttled reports whether QFPay refused the request at the door (HTTP 429).
	Throttled bool
	// Alarm is not empty where a person should look at it: a wrong signature, an echo that does not match.
	Alarm string
	// Err is why there is no usable answer (transport, HTTP status, body), for logs. It holds no secret.
	Err error
}

// A Query asks what became of one transaction.
type Query struct {
	OutTradeNo string
	SysSN      string // QFPay's id where known: asked for by itself when the number finds nothing
	Amount     int64
	Currency   string
	Created    time.Time // when the request was made; names the calendar months that are searched
	Now        time.Time // a month that has not begun is not searched; zero: time.Now
	Refund     bool      // the transaction is a refund, not a payment
	Urgency    Urgency   // who waits for the result
}

// A QueryResult is what a query says about one transaction.
type QueryResult struct {
	Answer
	// Cancel is the item's cancel field: 0 none, 1 reversed or refunded, 2 cancelled, 3 refunded, 5 partly refunded
	// (QFPay docs, transaction-enquiry page). 1, 2 and 3 make a successful payment Undone, and what is not known makes
	// it Unknown.
	Cancel string
	// Listed reports whether QFPay knows the transaction: an item with its number or syssn, a refund that points to it,
	// or one that has no number and may be it, stands in a list, understood or not.
	Listed bool
	// Success reports whether an item that is listed for the transaction has respcd 0000, whatever its cancel, order
	// type or amount say: it may be paid, so it must not be cancelled.
	Success bool
	// Refunded is what is known to have gone back of a payment, in minor units: the sum of the successful refunds that
	// are listed beside it and point to it (origssn, orig_syssn or orig_out_trade_no). QFPay lists them not always, so
	// it may be more.
	Refunded int64
	// Searched reports whether every window that could hold the transaction was asked and answered, and the clocks
	// that name the windows can be trusted. An empty result proves something only then, and only after the answer
	// window of the request has passed.
	Searched bool
	// Setup reports whether QFPay refused the question itself for a fault of setup, as with a wrong key (the code is
	// in RespCD). The Meaning is Unknown, for that tells nothing about the transaction. It agrees, though, with
	// a payment that was answered Misconfigured with the same RespCD.
	Setup bool
}

// A CancelRequest asks QFPay to cancel a payment that is not known to be paid.
type CancelRequest struct {
	OutTradeNo string
	SysSN      string
	Amount     int64
	Currency   string
	PayType    string // the resolved pay_type where known, else the requested one
	TxDTM      string // of the payment
}

// A RefundRequest asks QFPay to give money back for a paid payment.
type RefundRequest struct {
	OutTradeNo string // the refund's own, new number
	SysSN      string // the payment's
	Amount     int64  // minor units, > 0
	Currency   string
	TxDTM      string // of the refund
	UDID       string
}
