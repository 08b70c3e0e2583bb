package app

import (
	"context"
	"time"

	"cpmd/payment"
)

// How often QFPay is asked a question that concerns nobody: soon again while something stands in the way, each time
// later, and else only after a long silence, so that a key that was changed over night is noticed before the first
// customer.
const (
	askSoonest = time.Second
	askLatest  = 2 * time.Minute
	askSilence = time.Hour
	lookAgain  = 15 * time.Second // whether a customer's request met trouble: an idle counter should not wake up often
)

// keepAsking asks at the start, and as said above, until the context ends.
func keepAsking(ctx context.Context, gateway *payment.Client) {
	pause, asked := time.Duration(0), time.Time{}
	for {
		troubled, now := len(gateway.Troubles()) > 0, time.Now()
		switch {
		case troubled && now.Sub(asked) >= pause, !troubled && now.Sub(lastContact(gateway)) >= askSilence:
			pause, asked = min(max(2*pause, askSoonest), askLatest), now
			if len(gateway.Try(ctx)) == 0 {
				pause = 0
			}
		}
		wait := lookAgain
		if troubled {
			wait = min(max(askSoonest, pause-now.Sub(asked)), lookAgain)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

func lastContact(gateway *payment.Client) (last time.Time) {
	for _, n := range gateway.Health() {
		if n.At.After(last) {
			last = n.At
		}
	}
	return last
}
