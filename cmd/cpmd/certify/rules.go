package certify

// A rule is a sentence of docs/till-api.md that a till can break.
type rule string

const (
	ruleStop      rule = "Stop when `final` is true (`paid` or `not_paid`), or when `state` is `unresolved`."
	ruleID        rule = "One id per sale, never used again, on disk before the request."
	ruleRepeat    rule = "Timeouts, cut connections, HTTP 5xx: repeat it."
	ruleSame      rule = "The same `PUT` with the same id and content never opens a second sale; it returns the one that exists."
	ruleNotKnown  rule = "Only `not_paid` means not paid. A timeout, an error or `unresolved` means *not known yet*."
	ruleNotAgain  rule = "**Never charge again** while a sale of the bill is not final."
	ruleCancel    rule = "The answer to `cancel` is not the outcome. The sale's state is, and it may be `paid`."
	ruleAsked     rule = "the sale in `sale` is of the same ticket and not final"
	rulePaidToday rule = "the sale in `sale` is of the same ticket and was paid today"
	ruleBusy      rule = "the sale in `sale` holds the lane: wait for it or cancel it"
	ruleReused    rule = "the id belongs to another request, or to a sale of an earlier day"
	ruleAmount    rule = "**Amounts are whole numbers of minor units**: 12850 is HKD 128.50"
	ruleCrash     rule = "It survives crashes of your till, of cpmd and of the PC."
	ruleFresh     rule = "waits for the customer's code, or for a fresh one after a declined one"
	ruleNewFields rule = "Answers may get new fields in later versions: ignore what you do not know."
	ruleReset     rule = "Forget your position, and ask for every sale that is not final."
	ruleTicket    rule = "Send the bill's number as `ticket`, and cpmd refuses it for you"
)
