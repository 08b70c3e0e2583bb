package till

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"cpmd/queue/sale"
)

// await reads until the thing changes, is final, or the wait is over. Without after, the change is counted
// from the first read; with it, whatever is newer than after returns at once, so that a till that was away
// for a moment misses nothing.
func await[V any](s *Server, a *ask, read func() (v V, seq int64, final bool, err error)) (V, error) {
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	base := a.after
	for {
		changed := s.desk.Changed()
		v, seq, final, err := read()
		if err != nil || final || a.wait <= 0 {
			return v, err
		}
		if base < 0 {
			base = seq
		}
		if seq > base {
			return v, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return v, nil
		case <-s.ending:
			return v, nil
		case <-a.gone:
			return v, nil
		}
	}
}

// errEnding ends an event stream because the server shuts down.
var errEnding = errors.New("shutting down")

// batch is how many notices are read, and at most held in memory, at once.
const batch = 100

// reset is the notice that the stream goes on after another position than the one asked for.
func reset(last int64) sale.Notice {
	data, _ := json.Marshal(sale.ResetView{Seq: last})
	return sale.Notice{Seq: last, Kind: "reset", At: sale.Shown(time.Now()), Data: data}
}

// follow reads the journal's notices after a sequence number and then live ones, until a send fails, ctx ends
// or the server shuts down. What the asker may not see is left out. send is called at once even if there is nothing
// yet, and with nothing at least every beat. A position beyond the journal's end is answered with a reset, since
// there would be silence for ever otherwise. A slow reader holds up nobody and fills no memory: the journal is the buffer.
func (s *Server) follow(ctx context.Context, at *door, x access, after int64, beat time.Duration, send func([]sale.Notice) error) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	begun := false
	last, err := s.desk.LastSeq(ctx)
	if err != nil {
		return err
	}
	if after > last {
		after, begun = last, true
		if err := send([]sale.Notice{reset(last)}); err != nil {
			return err
		}
	}
	for {
		changed := s.desk.Changed()
		for more := true; more; {
			list, err := s.desk.Notices(ctx, after, batch)
			if err != nil {
				return err
			}
			more = len(list) == batch
			if n := len(list); n > 0 {
				after = list[n-1].Seq
			}
			seen, err := s.noticesFor(ctx, x, list)
			if err != nil {
				return err
			}
			if len(seen) > 0 || len(list) == 0 || !begun {
				if err := send(seen); err != nil {
					return err
				}
			}
			begun = true
			select {
			case <-s.ending:
				return errEnding
			case <-at.replaced:
				return errEnding
			default:
			}
		}
		select {
		case <-changed:
		case <-ticker.C:
		case <-s.ending:
			return errEnding
		case <-at.replaced: // who may still follow connects again
			return errEnding
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
