package main

import (
	"errors"
	"fmt"
	"net/http"

	"cpmd/queue/sale"
	"cpmd/till/client"
)

// The exit codes; those from 64 on are those of sysexits.h.
const (
	exitPaid        = 0
	exitNotPaid     = 1
	exitNotKnown    = 2
	exitUsage       = 64
	exitUnavailable = 69
	exitOutput      = 74
)

// exitTexts are the exit codes that every command has.
var exitTexts = []exit{
	{exitUsage, "wrong usage, or no such sale, refund or lane: nothing was done"},
	{exitUnavailable, "cpmd cannot be reached or cannot be used: this run did nothing"},
	{exitOutput, "it was done, but the output could not be written (a full disk)"},
}

var errUsage = errors.New("wrong usage")

func usagef(format string, args ...any) (int, error) {
	return failed(fmt.Errorf("%w: %w", errUsage, fmt.Errorf(format, args...)))
}

// failed chooses the exit code for a call that failed. Whatever may have been carried out exits with 2: only what surely
// never arrived is "cannot be reached".
func failed(err error) (int, error) {
	if errors.Is(err, errUsage) {
		return exitUsage, &plain{err}
	}
	if u, ok := errors.AsType[*client.Unreachable](err); ok {
		if u.MaybeSent {
			return exitNotKnown, err
		}
		return exitUnavailable, err
	}
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return exitNotKnown, err
	}
	switch e.Code {
	case sale.InvalidRequest, sale.UnknownSale, sale.UnknownRefund, sale.UnknownLane, sale.IDReused, sale.UnknownAlarm:
		return exitUsage, err
	case sale.LaneBusy, sale.CodeUsed, sale.NotRefundable, sale.NotVirtual, sale.NotDeliverable, sale.NotUnresolved, sale.ContradictsGateway, "not_reloaded":
		return exitNotPaid, err // nothing was charged, and nothing changed
	case sale.ShuttingDown, "not_ready":
		return exitUnavailable, err // it was turned away at the door
	}
	// Among them ticket_unresolved and ticket_paid: the money of this bill is or may be there. A journal that cannot be
	// written may hold the sale all the same.
	if e.Code == "not_allowed" && e.Sale != "" { // there is such a sale, of another endpoint
		return exitNotKnown, err
	}
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden {
		return exitUnavailable, err
	}
	return exitNotKnown, err
}

// A plain error of usage leaves out that it is one: the exit code says so.
type plain struct{ error }

func (p *plain) Unwrap() error { return p.error }

func (p *plain) Error() string {
	text := p.error.Error()
	prefix := errUsage.Error() + ": "
	for len(text) > len(prefix) && text[:len(prefix)] == prefix {
		text = text[len(prefix):]
	}
	return text
}
