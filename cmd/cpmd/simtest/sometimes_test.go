package simtest

import (
	"slices"

	"cpmd/cmd/qfpaysim/sim"
)

// sometimes are the rare states that 500 seeds have to come through.
var sometimes = []string{
	"crash",
	"crash while a request was under way",
	"crash between a payment's arrival and its answer",
	"crash as an answer comes",
	"crash before a request of payment left",
	"crash after a request of payment left",
	"crash before a request of query left",
	"crash after a request of query left",
	"crash before the write of opened", "crash after the write of opened",
	"crash before the write of scanned", "crash after the write of scanned",
	"crash before the write of answered", "crash after the write of answered",
	"crash before the write of found", "crash after the write of found",
	"crash before the write of due", "crash after the write of due",
	"crash before the write of cancel_asked", "crash after the write of cancel_asked",
	"crash before the write of cancel_answered", "crash after the write of cancel_answered",
	"crash before the write of restarted", "crash after the write of restarted",
	"crash before the write of probe", "crash after the write of probe",
	"stopped while a request was under way",
	"a write fails", "disk full", "journal_unavailable", "fsync fails", "fsync fails though the write is kept",
	"clock jump", "clock jump of weeks", "clock jump while a request was under way", "gateway clock off by 30 minutes", "month border query",
	"no connection for a payment", "no connection for a query", "no connection for a refund",
	"answer to a payment lost", "answer to a query lost", "answer to a close lost", "answer to a reversal lost", "answer to a refund lost",
	"answer cut", "a proxy answers",
	"a request arrives after its sender stopped waiting",
	"a payment arrives twice", "a query arrives twice", "a close arrives twice", "a refund arrives twice",
	"paid after its answer was lost",
	"paid although it was being cancelled",
	"paid and given back before the till was told",
	"a fresh code after a declined one",
	"never arrived",
	"reversing", "unresolved, then paid", "unresolved, then not_paid", "needs a person",
	"not_paid: declined", "not_paid: cancelled", "not_paid: no_scan", "not_paid: reversed", "not_paid: misconfigured", "not_paid: not_sent",
	"cancel asked while confirming", "cancel asked while reversing",
	"lane busy", "ticket_unresolved", "code_used", "till hangs up",
	"duplicate scan", "stale scan", "late scan", "no scan", "used code shown", "scanner unplugged mid-code",
	"handed over", "handed over too late", "goods stuck", "given back because the goods were not handed over", "decided: paid", "decided: not_paid",
	"refunded", "not_refunded", "not_refundable",
}

// sometimesWide are those of the wider world.
var sometimesWide = slices.Concat([]string{
	"pages as QFPay likes", "lists are late", "answers signed by their fields", "HTTP 429 for a while", "answers lose their signatures",
	"answers are signed wrongly", "a dead order is completed",
	"given back at the portal", "reversed at the portal", "the portal on the next day",
	"a payment arrives long after", "a close arrives long after", "a reversal arrives long after", "a refund arrives long after",
	"asked for by an operator", "an operator is contradicted", "decided blindly: paid", "decided blindly: not_paid",
	"handed over before it was asked", "handed over without asking", "a phone lies before the scanner", "staff give back at any moment",
	"a refund that was not done is asked for again",
	"told paid, and it is not so", "told not_paid, and it is not so", "charged twice",
	"given back by cpmd itself", "charged twice, and made good", "charged though not_paid, and made good",
	"out of pocket, and an alarm says so", "the books differ, and an alarm says so", "unresolved at the end of the day",
}, surprising())

func surprising() (all []string) {
	for _, s := range sim.Surprises() {
		if knobOf(s) != "" {
			all = append(all, "surprise: "+s)
		}
	}
	return all
}
