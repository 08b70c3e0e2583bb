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

// An Order is one payment request.
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
	// A Finding counts as the first of them.
	Confirm int
	// FreshCode says that the same customer can try again with a fresh code.
	FreshCode bool
	// RetryLater says that a refused refund may be accepted at another time (1265, 1269).
	RetryLater bool
	RespCD     string // as received; empty without an answer. [Explain] says it in English
	Text       string // QFPay's words (resperr, respmsg), for people only
	SysSN      string // QFPay's id of the payment or refund; may be empty, and is in the answer to a Cancel
	ChnlSN     string // the wallet's id of it; likewise
	PayType    string // the wallet's pay_type that QFPay resolved; may be empty
	// Genuine reports that the answer carried a signature of QFPay's that holds.
	Genuine bool
	// Soft reports that a declined order may still be completed by the customer, so it has to be closed before
	// another code is taken.
	Soft bool
	// Throttled reports that QFPay refused the request at the door (HTTP 429).
	Throttled bool
	// Alarm is not empty where a person should look at it: a wrong signature, an echo that does not match.
	Alarm string
	// Err is why there is no usable answer (transport, HTTP status, body), for logs. It holds no secret.
	Err error
}

// A Question asks what became of one transaction.
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

// A Finding is what a query says about one transaction.
type QueryResult struct {
	Answer
	// Cancel is the item's cancel field: 0 none, 1 reversed or refunded, 2 cancelled, 3 refunded, 5 partly refunded
	// (QFPay docs, transaction-enquiry page).
	Cancel string
	// Listed reports that QFPay lists the number, understood or not.
	Listed bool
	// Success reports that an item of the number is listed with respcd 0000, whatever else it says.
	Success bool
	// Refunded is how much the listed refunds of the payment gave back, minor units; 0 where none is listed.
	Refunded int64
	// Searched says that every window that could hold the transaction was asked and answered, and that the clocks
	// that name the windows can be trusted. An empty result proves something only then, and only after the answer
	// window of the request has passed.
	Searched bool
	// Setup says that QFPay refused the question itself for a fault of setup, as with a wrong key (the code is
	// in RespCD). The Meaning is Unknown, for that tells nothing about the transaction. It agrees, though, with
	// a payment that was answered Misconfigured with the same RespCD.
	Setup bool
}

// An Undoing asks QFPay to cancel a payment that is not known to be paid.
type CancelRequest struct {
	OutTradeNo string
	SysSN      string
	Amount     int64
	Currency   string
	PayType    string // the resolved pay_type where known, else the requested one
	TxDTM      string // of the payment
}

// A RefundOrder asks QFPay to give money back for a paid payment.
type RefundRequest struct {
	OutTradeNo string // the refund's own, new number
	SysSN      string // the payment's
	Amount     int64  // minor units, > 0
	Currency   string
	TxDTM      string // of the refund
	UDID       string
}
