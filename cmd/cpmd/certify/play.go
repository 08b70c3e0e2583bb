package certify

import (
	"context"
	"iter"
	"time"
)

// A result is what came of one case.
type result struct {
	name     string
	took     time.Duration
	findings []finding
	calls    []call
	printed  []string // the till's last lines
	err      error    // the case could not be played
}

// play plays the cases, some at once, and yields their results in order.
func (p Plan) play(ctx context.Context, all []scenario, jobs int) iter.Seq[result] {
	results := make([]chan result, len(all))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	free := make(chan struct{}, jobs)
	go func() {
		for i, s := range all {
			free <- struct{}{}
			go func() {
				results[i] <- p.one(ctx, s, i)
				<-free
			}()
		}
	}()
	return func(yield func(result) bool) {
		for _, c := range results {
			if r := <-c; !yield(r) {
				return
			}
		}
	}
}

// setUpLimit is for everything of a case but the till.
const setUpLimit = time.Minute

func (p Plan) one(ctx context.Context, s scenario, n int) (r result) {
	from := time.Now()
	r.name = s.name
	defer func() { r.took = time.Since(from) }()
	ctx, cancel := context.WithTimeout(ctx, setUpLimit+2*p.Limit)
	defer cancel()
	w, err := newWorld(ctx, p, s.timing, n)
	if err != nil {
		r.err = err
		return r
	}
	s.play(w)
	w.judgeCalls()
	r.findings, r.calls = w.findings, w.front.Calls("")
	w.close()
	if w.last != nil {
		r.printed = w.last.out.last(10)
	}
	r.err = w.err
	return r
}
