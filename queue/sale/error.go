package sale

// A Code names a refusal for programs; it never changes.
type Code string

const (
	InvalidRequest     Code = "invalid_request"
	UnknownSale        Code = "unknown_sale"
	UnknownRefund      Code = "unknown_refund"
	UnknownLane        Code = "unknown_lane"
	IDReused           Code = "id_reused"
	LaneBusy           Code = "lane_busy"
	TicketUnresolved   Code = "ticket_unresolved"
	NotRefundable      Code = "not_refundable"
	CodeUsed           Code = "code_used"
	NotVirtual         Code = "not_virtual"
	NotUnresolved      Code = "not_unresolved"
	ContradictsGateway Code = "contradicts_gateway"
	TicketPaid         Code = "ticket_paid"
	UnknownAlarm       Code = "unknown_alarm"
	NotDeliverable     Code = "not_deliverable"
	GatewayUnavailable Code = "gateway_unavailable"
	JournalUnavailable Code = "journal_unavailable"
	ShuttingDown       Code = "shutting_down"
	Internal           Code = "internal"
	UnknownDay         Code = "unknown_day"
	NoReceipt          Code = "no_receipt"
)

// An Error is a refusal: a code for the program, and a sentence that tells a person what to do.
type Error struct {
	Code   Code
	Detail string
	Sale   string // the sale that stands in the way, for lane_busy and ticket_unresolved
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Detail }
