package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// A Script tells the gateway what to do with calls that match it. Scripts go before the digits of the auth
// code; of several that match, the oldest is taken.
type Script struct {
	AuthCode   string `json:"auth_code,omitempty"`    // match by the code of the payment
	OutTradeNo string `json:"out_trade_no,omitempty"` // match by the number of the payment or refund
	Next       bool   `json:"next,omitempty"`         // match any
	On         string `json:"on,omitempty"`           // payment (default), query, cancel or refund
	Times      int    `json:"times,omitempty"`        // how many calls; default 1, -1 all
	Do         string `json:"do,omitempty"`           // the name of a behaviour, which the plan's own fields change
	Plan
}

// Script adds scripts. On query only the plan's reply counts, on cancel and refund the reply or the plan's cancel
// or refund part. The plan of Do is taken whole; in JSON fields beside it change it.
func (g *Gateway) Script(scripts ...Script) error {
	added := make([]*Script, 0, len(scripts))
	for _, s := range scripts {
		if s.On == "" {
			s.On = "payment"
		}
		if s.Times == 0 {
			s.Times = 1
		}
		if s.Do != "" && s.name == "" {
			if s.Plan.check() != nil || !s.isZero() {
				return fmt.Errorf("sim: a script has do=%q and a plan of its own; take Behaviour(%q) and change it", s.Do, s.Do)
			}
			var err error
			if s.Plan, err = Behaviour(s.Do); err != nil {
				return err
			}
		}
		switch {
		case s.AuthCode == "" && s.OutTradeNo == "" && !s.Next:
			return errors.New(`sim: a script says what it matches: auth_code, out_trade_no or "next": true`)
		case !slices.Contains([]string{"payment", "query", "cancel", "refund"}, s.On):
			return fmt.Errorf("sim: on %q is not known: payment, query, cancel, refund", s.On)
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("sim: %w", err)
		}
		if s.name == "" {
			s.name = "script"
		}
		s.Plan = s.clone()
		added = append(added, &s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.scripts = append(g.scripts, added...)
	return nil
}

func (p Plan) isZero() bool {
	b, err := json.Marshal(p)
	return err == nil && string(b) == "{}"
}

// UnmarshalJSON takes the behaviour that do names and lays the other fields over it. Unknown fields are errors.
func (s *Script) UnmarshalJSON(b []byte) error {
	var head struct {
		Do string `json:"do"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return err
	}
	type plain Script
	var p plain
	if head.Do != "" {
		plan, err := Behaviour(head.Do)
		if err != nil {
			return err
		}
		p.Plan = plan
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return err
	}
	*s = Script(p)
	return nil
}

// take finds the oldest script for a call and uses it up once.
func (g *Gateway) take(on string, codes, numbers []string) *Script {
	for i, s := range g.scripts {
		if s.On != on || !s.Next && !(s.AuthCode != "" && slices.Contains(codes, s.AuthCode)) &&
			!(s.OutTradeNo != "" && slices.Contains(numbers, s.OutTradeNo)) {
			continue
		}
		if s.Times > 0 {
			if s.Times--; s.Times == 0 {
				g.scripts = slices.Delete(g.scripts, i, i+1)
			}
		}
		return s
	}
	return nil
}

func (g *Gateway) planFor(o *order) Plan {
	if s := g.take("payment", []string{o.code}, []string{o.number}); s != nil {
		return s.clone()
	}
	return byDigits(o.code)
}

func (g *Gateway) queryScript(numbers, syssns []string) (Reply, bool) {
	var codes []string
	for _, o := range g.orders {
		if o.isAny(numbers, syssns) {
			codes, numbers = append(codes, o.code), append(slices.Clone(numbers), o.number)
		}
	}
	for _, r := range g.refunds {
		if r.isAny(nil, syssns) {
			numbers = append(slices.Clone(numbers), r.number)
		}
	}
	if s := g.take("query", codes, numbers); s != nil {
		return s.Reply, true
	}
	return Reply{}, false
}

func (g *Gateway) cancelPlan(o *order) CancelPlan {
	if s := g.take("cancel", []string{o.code}, []string{o.number}); s != nil {
		if s.Cancel != nil {
			return *s.Cancel
		}
		return CancelPlan{Reply: s.Reply}
	}
	if p := o.plan.Cancel; p != nil && (p.Times <= 0 || o.cancels < p.Times) {
		o.cancels++
		return *p
	}
	return CancelPlan{}
}

func (g *Gateway) refundPlan(r *refund) RefundPlan {
	o := r.of
	if s := g.take("refund", []string{o.code}, []string{o.number, r.number}); s != nil {
		if s.Refund != nil {
			return *s.Refund
		}
		return RefundPlan{Reply: s.Reply, Fate: s.Fate, Polls: s.Polls, After: s.After, Then: s.Then}
	}
	p := o.plan.Refund
	if p == nil || p.PartialOnly && r.amount == o.amount || p.Times > 0 && o.backs >= p.Times {
		return RefundPlan{}
	}
	o.backs++
	return *p
}
