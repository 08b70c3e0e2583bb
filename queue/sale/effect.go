package sale

// An EffectKind names what is to be done once an event is in the journal.
type EffectKind string

const (
	SubmitPayment EffectKind = "submit"         // send the payment request
	QueryPayment  EffectKind = "query"          // ask what became of the payment
	CancelPayment EffectKind = "cancel_payment" // ask QFPay to undo it
	ReturnMoney   EffectKind = "return_money"   // refund what is left of the sale
	GiveBack      EffectKind = "give_back"      // refund a payment that the audit found
	RaiseAlarm    EffectKind = "alarm"          // a person must look at it
)

// An Effect is one thing to do. Its result comes back as a new event.
type Effect struct {
	Kind    EffectKind
	Payment string // out_trade_no
	Text    string // alarm
	// Urgent: a person asked for the query.
	Urgent bool
	// Once: an alarm that is not about this sale alone; it is not raised again while it is open.
	Once bool
}

const (
	SendRefund  EffectKind = "send_refund"
	QueryRefund EffectKind = "query_refund"
)
