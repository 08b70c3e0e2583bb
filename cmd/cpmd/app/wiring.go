package app

import (
	"cpmd/cmd/cpmd/config"
	"cpmd/cmd/cpmd/messenger"
	"cpmd/payment"
	"cpmd/queue"
	"cpmd/queue/sale"
)

// This file passes each value of the configuration on to the room that it is for.

// GatewayConfig is how QFPay is asked.
func GatewayConfig(cfg *config.Config) payment.Config {
	g := cfg.Gateway
	return payment.Config{URL: g.URL, AppCode: g.AppCode, ClientKey: g.ClientKey, MchID: g.MchID, Signature: g.Signature,
		Location: g.Zone, RatePerMinute: g.RatePerMinute, Answer: cfg.Timing.Answer}
}

func queueConfig(cfg *config.Config, lanes []queue.Lane) queue.Config {
	s := settings(cfg)
	return queue.Config{Rules: s.Rules, Lanes: lanes, Location: cfg.Gateway.Zone, Currencies: cfg.Gateway.Currencies,
		DayEnd: s.DayEnd, OldIDs: s.OldIDs, KeepDays: cfg.Journal.KeepDays}
}

// settings are what a reload changes.
func settings(cfg *config.Config) queue.Settings {
	return queue.Settings{Rules: rules(cfg.Timing, cfg.Audit), DayEnd: cfg.Timing.DayEnd, OldIDs: cfg.Sales.OldIDs}
}

func messengerConfig(cfg *config.Config) messenger.Config {
	return messenger.Config{Command: cfg.Alarm.Command, Webhook: cfg.Alarm.Webhook}
}

func rules(t config.Timing, a config.Audit) sale.Rules {
	r := sale.DefaultRules()
	r.Scan, r.Answer, r.Poll, r.Confirm, r.GiveUp, r.Deliver, r.FollowUp = t.Scan, t.Answer, t.Poll, t.Confirm, t.GiveUp, t.Deliver, t.FollowUp
	r.Audit, r.GiveBack = a.After, a.GiveBack
	r.Beside, r.Apart = min(r.Beside, t.Answer/2), min(r.Apart, t.Poll*3/2) // a rehearsal has shorter times
	return r
}
