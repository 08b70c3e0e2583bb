package simtest

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"
)

// luck draws by name: a seed and some words always give the same numbers, whatever was drawn before. So a run
// does not change because two goroutines drew in another order, and little of it changes when one fault is left out.
type luck uint64

func (l luck) of(words ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintln(h, append([]any{uint64(l)}, words...)...)
	return rand.New(rand.NewPCG(uint64(l), h.Sum64()))
}

// between draws a time. It is uneven down to the nanosecond, so that two things hardly ever happen at the same moment.
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(r.Int64N(int64(to-from)))
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

// A mix says how likely each fault is in one run. Each run has its own few: faults that are always there hide others
// (swarm testing).
type mix struct {
	// Between cpmd and the gateway, for each request.
	Refused    float64 // no connection
	Lost       float64 // the request never arrives, the connection closes or hangs
	Late       float64 // it arrives long after, maybe after cpmd has stopped waiting
	Twice      float64 // it arrives a second time, later
	AnswerLost float64 // it arrives, the answer does not
	AnswerCut  float64 // half of the answer comes
	Slow       float64 // seconds on the way, so that answers overtake each other
	Page       float64 // a proxy's page of HTML in place of the answer
	Outage     float64 // nothing goes through for a while

	// The journal, for each write.
	WriteFails  float64
	DiskFull    float64 // for a while
	FsyncFails  float64 // written, or not, and nobody can tell
	CrashBefore float64 // the process dies as it is about to commit
	CrashAfter  float64 // or as soon as it has

	// The process.
	CrashDial   float64 // dies before a request leaves
	CrashSent   float64 // dies when it has left
	CrashAnswer float64 // dies when the answer is there
	CrashAnyhow float64
	Stop        float64 // is told to stop, and starts again
	LongDown    float64 // stays away for an hour

	// Time.
	Jump        float64
	GatewaySkew float64

	// People.
	TillDrops   float64 // the till hangs up before it has its answer
	TillGoes    float64 // the till is never seen again
	TillScans   float64 // the till has read the code itself
	Cancel      float64
	SameTicket  float64
	DoubleScan  float64
	EarlyScan   float64 // shown before the sale is there, or delivered long after it was read
	LateScan    float64
	NoScan      float64
	UsedCode    float64 // a code that was shown before
	Unplug      float64
	Goods       float64
	Refund      float64
	DoubleSell  float64 // two tills at one lane
	ManyRefunds float64
	Settle      float64 // the till says when the goods are handed over
	GoodsStuck  float64 // and cannot hand them over
	Decide      float64 // an operator looks an unresolved sale up and decides it
}

// draw switches on about a third of a struct's probabilities.
func draw(l luck, name string, of any) {
	v := reflect.ValueOf(of).Elem()
	density := pick(l.of(name), 0.15, 0.35, 0.35, 0.6)
	for i := range v.NumField() {
		r := l.of(name, v.Type().Field(i).Name)
		on, p := r.Float64() < density, pick(r, 0.05, 0.1, 0.2, 0.4)
		if on {
			v.Field(i).SetFloat(p)
		}
	}
}

// newMix draws the faults of a run.
func newMix(l luck) (m mix) {
	draw(l, "mix", &m)
	for name, p := range map[string]*float64{"refunds": &m.Refund, "cancels": &m.Cancel, "till scans": &m.TillScans} { // what tills do every day
		if r := l.of("daily", name); *p == 0 && r.IntN(2) == 0 {
			*p = 0.2
		}
	}
	// What happens once to a run or a sale may be likely; what ends each life of the process may not.
	for _, p := range []*float64{&m.Cancel, &m.Refund, &m.Jump, &m.GatewaySkew, &m.EarlyScan, &m.DoubleScan} {
		*p = min(1, 2**p)
	}
	for _, p := range []*float64{&m.CrashBefore, &m.CrashAfter, &m.CrashDial, &m.CrashSent, &m.CrashAnswer, &m.WriteFails, &m.DiskFull, &m.FsyncFails} {
		*p /= 4
	}
	return m
}

func (m mix) String() string { return likelihoods(m) }

func (k wide) String() string { return likelihoods(k) }

func likelihoods(of any) string {
	var on []string
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		if p := v.Field(i).Float(); p > 0 {
			on = append(on, fmt.Sprintf("%s %.3g", v.Type().Field(i).Name, p))
		}
	}
	return strings.Join(on, ", ")
}

// breaksNetwork reports whether queries may fail to come back, so that the gateway's own counting of queries cannot be
// taken for the passing of a few seconds.
func (m mix) breaksNetwork() bool {
	return m.Refused+m.Lost+m.Late+m.AnswerLost+m.AnswerCut+m.Page+m.Outage+m.Slow+m.Twice > 0
}
