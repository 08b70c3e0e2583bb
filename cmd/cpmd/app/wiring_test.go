package app

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"cpmd/cmd/cpmd/config"
	"cpmd/scanner"
	"cpmd/till"
)

// full has a value of its own in every field.
func full() *config.Config {
	return &config.Config{
		File: "cpmd.toml",
		Gateway: config.Gateway{URL: "https://a", AppCode: "code", ClientKey: "key", MchID: "mch", Signature: "SHA256", Zone: time.FixedZone("+01:00", 3600),
			RatePerMinute: 17, Currencies: map[string]int{"HKD": 2}},
		Journal: config.Journal{Path: "j"},
		Timing: config.Timing{Scan: 11 * time.Second, Answer: 12 * time.Second, Poll: 1300 * time.Millisecond, Confirm: 14 * time.Second, GiveUp: 15 * time.Second,
			Deliver: 16 * time.Second, FollowUp: []time.Duration{17 * time.Second}, DayEnd: 18 * time.Second},
		Audit: config.Audit{After: []time.Duration{19 * time.Second}, GiveBack: 20 * time.Second},
		Alarm: config.Alarm{Command: []string{"/c"}, Webhook: "https://w"},
		Sales: config.Sales{OldIDs: "refuse"},
		Lanes: []config.Lane{{Name: "1", PayType: "800008", Scanner: scanner.Config{Driver: "virtual"}}},
		Tills: []config.Till{{Name: "front", Dialect: "line", Network: "tcp", Address: "127.0.0.1:1", TokenFile: "t", Allow: []till.Permission{"sell"},
			Peers: map[till.Permission][]string{"sell": {"alice"}}, Lanes: []string{"1"}, Origins: []string{"https://b"}, Connections: 21}},
	}
}

// wired shows everything that the rooms are given.
func wired(t *testing.T, cfg *config.Config) string {
	t.Helper()
	lanes, _, err := makeLanes(cfg.Lanes)
	if err != nil {
		return err.Error()
	}
	return show(reflect.ValueOf([]any{GatewayConfig(cfg), queueConfig(cfg, lanes), messengerConfig(cfg), endpoints(cfg.Tills, nil)}), 0)
}

// show writes a value with all that it holds, but for functions and channels. Secrets print masked in every other way.
func show(v reflect.Value, depth int) string {
	if depth > 12 {
		return ""
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return "nil"
		}
		if l, ok := v.Interface().(*time.Location); v.CanInterface() && ok {
			return l.String()
		}
		return show(v.Elem(), depth+1)
	case reflect.Struct:
		var parts []string
		for i := range v.NumField() {
			if f := v.Field(i); v.Type().Field(i).IsExported() {
				parts = append(parts, v.Type().Field(i).Name+":"+show(f, depth+1))
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	case reflect.Slice:
		var parts []string
		for i := range v.Len() {
			parts = append(parts, show(v.Index(i), depth+1))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Map:
		parts := map[string]string{}
		for _, k := range v.MapKeys() {
			parts[show(k, depth+1)] = show(v.MapIndex(k), depth+1)
		}
		return fmt.Sprint(parts)
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return fmt.Sprint(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int64:
		return fmt.Sprint(v.Int())
	}
	return ""
}

// change changes every value below v, one at a time, and calls changed after each with its name.
func change(v reflect.Value, name string, changed func(name string)) {
	with := func(set func()) {
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		set()
		changed(name)
		v.Set(old)
	}
	switch {
	case v.Type() == reflect.TypeFor[*time.Location]():
		with(func() { v.Set(reflect.ValueOf(time.FixedZone("+02:00", 7200))) })
	case v.Type() == reflect.TypeFor[scanner.Config]():
		with(func() { v.FieldByName("Driver").SetString("none") }) // it is passed on whole
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			change(v.Field(i), name+"."+v.Type().Field(i).Name, changed)
		}
	case v.Kind() == reflect.Slice:
		if v.Len() == 0 {
			panic(name + " is empty")
		}
		change(v.Index(0), name, changed)
	case v.Kind() == reflect.Map:
		with(func() { v.Set(reflect.MakeMap(v.Type())) })
	case v.Kind() == reflect.String:
		with(func() { v.SetString(v.String() + "x") })
	case v.CanInt():
		with(func() { v.SetInt(v.Int() + 1) })
	default:
		panic(name + " cannot be changed")
	}
}

// TestEveryConfiguredValueArrives: a value of the configuration that no room is given is a setting without effect.
func TestEveryConfiguredValueArrives(t *testing.T) {
	elsewhere := map[string]bool{ // read in Run itself, whose tests see them
		".File": true, ".Journal.Path": true, ".Log.Level": true, ".Log.Format": true, ".Display.Languages": true,
	}
	cfg := full()
	before, n := wired(t, cfg), 0
	change(reflect.ValueOf(cfg).Elem(), "", func(name string) {
		n++
		if after := wired(t, cfg); after == before && !elsewhere[name] {
			t.Errorf("config%s is passed on to nobody", name)
		}
	})
	if after := wired(t, cfg); after != before || n < 30 {
		t.Errorf("changed %d values; at the end:\n%s\n%s", n, before, after)
	}
}

// TestValuesArriveWhereTheyBelong: and none is taken for another one.
func TestValuesArriveWhereTheyBelong(t *testing.T) {
	cfg := full()
	g, r := GatewayConfig(cfg), queueConfig(cfg, nil).Rules
	for name, ok := range map[string]bool{
		"rate": g.RatePerMinute == 17, "answer of the gateway": g.Answer == 12*time.Second, "app code": g.AppCode == "code", "client key": g.ClientKey == "key",
		"mchid": g.MchID == "mch", "signature": g.Signature == "SHA256", "url": g.URL == "https://a", "zone": g.Location.String() == "+01:00",
		"scan": r.Scan == 11*time.Second, "answer": r.Answer == 12*time.Second, "poll": r.Poll == 1300*time.Millisecond, "confirm": r.Confirm == 14*time.Second,
		"give_up": r.GiveUp == 15*time.Second, "deliver": r.Deliver == 16*time.Second, "follow_up": r.FollowUp[0] == 17*time.Second,
		"alarm": messengerConfig(cfg).Command[0] == "/c" && messengerConfig(cfg).Webhook == "https://w",
		"audit": r.Audit[0] == 19*time.Second, "give_back": r.GiveBack == 20*time.Second, "day_end": queueConfig(cfg, nil).DayEnd == 18*time.Second,
	} {
		if !ok {
			t.Errorf("%s did not arrive", name)
		}
	}
}
