package decode

import (
	"testing"
	"time"
)

func newKeyboard(t testing.TB, opt KeyboardOptions) Decoder {
	t.Helper()
	d, err := NewKeyboard(opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// typed decodes reports that come 1 ms apart, and a second of silence.
func typed(t testing.TB, opt KeyboardOptions, reports ...[]byte) string {
	t.Helper()
	d := newKeyboard(t, opt)
	var rs []Result
	for i, p := range reports {
		rs = append(rs, d.Decode(p, ms(i)))
	}
	return texts(append(rs, d.Decode(nil, ms(len(reports)+1000)))...)
}

var enter = report(0, keyEnter)

func TestKeyboardRules(t *testing.T) {
	k := func(n byte) byte { return 0x1e + n - 1 } // digit 1..9
	for _, tc := range []struct {
		name    string
		opt     KeyboardOptions
		reports [][]byte
		want    string
	}{
		{"press and release", KeyboardOptions{}, keyReports("us", "280438849930815813\r"), "280438849930815813"},
		{"capitals and signs", KeyboardOptions{}, keyReports("us", "hQVDUFYwMQ==+/~ {}\r"), "hQVDUFYwMQ==+/~ {}"},
		{"a report repeated by the idle rate is one key", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0, k(1)), report(0, k(1)), report(0), report(0), report(0, k(2)), report(0, k(2)), enter}, "12"},
		{"the same key twice needs a release", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0), report(0, k(1)), report(0), enter}, "11"},
		{"several keys in one report, in its order", KeyboardOptions{},
			[][]byte{report(0, k(3), k(1), k(2)), report(0), enter}, "312"},
		{"keys overlap without release", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0, k(1), k(2)), report(0, k(2)), report(0, k(2), k(3)), report(0), enter}, "123"},
		{"keys alternate without release", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0, k(2)), report(0, k(1)), report(0), enter}, "121"},
		{"rollover changes nothing", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0, 1, 1, 1, 1, 1, 1), report(0, k(1)), report(0, k(2)), report(0), enter}, "12"},
		{"the modifier of the report counts", KeyboardOptions{},
			[][]byte{report(2), report(2, 4), report(0, 4), report(0), report(1<<5, 5), report(0), enter}, "AB"},
		{"keypad and its Enter", KeyboardOptions{},
			[][]byte{report(0, keypad1), report(0), report(0, keypad0), report(0), report(0, keypadDot), report(0), report(0, 0x57), report(0, keypadEnter)}, "10.+"},
		{"Alt and three keypad digits", KeyboardOptions{Layout: "it"}, keyReports("it", "a~b`c\r"), "a~b`c"},
		{"Alt with a leading zero is Windows-1252", KeyboardOptions{},
			[][]byte{report(4), report(4, keypad0), report(4), report(4, keypad1), report(4), report(4, keypad1+1), report(4), report(4, keypad1+7), report(4), report(0), enter}, "€"},
		{"control characters", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0), report(1, 0x30), report(0), report(0, k(2)), report(0), report(1, 0x10)}, "1\x1d2"},
		{"Tab ends a code", KeyboardOptions{}, [][]byte{report(0, k(1)), report(0, keyTab), report(0), report(0, k(2)), report(0, keyTab)}, "1|2"},
		{"silence ends a code", KeyboardOptions{}, keyReports("us", "280438849930815813"), "280438849930815813"},
		{"silence drops half a code where Enter is promised", KeyboardOptions{Terminator: "cr"}, keyReports("us", "2804388499"), ""},
		{"Caps Lock of the scanner", KeyboardOptions{},
			[][]byte{report(0, keyCapsLock), report(0), report(0, 4), report(0), report(2, 5), report(0), report(0, k(1)), report(0), report(0, keyCapsLock), report(0, 4), enter}, "Ab1a"},
		{"inverted capitals", KeyboardOptions{InvertCaps: true}, keyReports("us", "HqvdufyWmq==1!\r"), "hQVDUFYwMQ==1!"},
		{"the Windows key types nothing", KeyboardOptions{}, [][]byte{report(8, 0x15), report(0), report(0, k(1)), enter}, "1"},
		{"nine bytes with a report ID (Microscan)", KeyboardOptions{},
			[][]byte{{2, 0, 0, k(1), 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0, 0, 0, 0}, {2, 2, 0, 4, 0, 0, 0, 0, 0}, {2, 0, 0, keyEnter, 0, 0, 0, 0, 0}}, "1A"},
		{"another report ID is not for us", KeyboardOptions{Report: KeyReport{ID: 1, Mods: 1, Keys: 3, Count: 6}},
			[][]byte{{1, 0, 0, k(1), 0, 0, 0, 0, 0}, {3, 0xe9, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 0, 0, keyEnter, 0, 0, 0, 0, 0}}, "1"},
		{"dead keys", KeyboardOptions{Layout: "de"},
			[][]byte{report(0, 0x35), report(0), report(0, keySpace), report(0), report(0, 0x2e), report(0), report(0, 8), report(0), enter}, "^é"},
		{"AltGr", KeyboardOptions{Layout: "de"}, keyReports("de", "a@b{c}[d]\\|~\r"), "a@b{c}[d]\\|~"},
		{"an identifier", KeyboardOptions{AIM: true}, keyReports("us", "]C0280438849930815813\r"), "280438849930815813"},
		{"truncated reports", KeyboardOptions{}, [][]byte{{0}, {0, 0}, {0, 0, k(1)}, {0, 0}, {0, 0, keyEnter}}, "1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := typed(t, tc.opt, tc.reports...); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Digits and base64 must survive every layout, if the scanner is set to the same one.
func TestKeyboardLayoutsCarryAllOfASCII(t *testing.T) {
	var all string
	for c := rune(' '); c < 0x7f; c++ {
		all += string(c)
	}
	for _, name := range Layouts {
		if got := typed(t, KeyboardOptions{Layout: name}, keyReports(name, all+"\r")...); got != all {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestKeyboardTellsAPersonFromAScanner(t *testing.T) {
	press := func(gap time.Duration, text string, opt KeyboardOptions) (got string, fault bool) {
		d := newKeyboard(t, opt)
		at := t0
		var rs []Result
		for _, p := range keyReports("us", text) {
			for quiet := at; quiet.Before(at.Add(gap)); quiet = quiet.Add(50 * time.Millisecond) {
				rs = append(rs, d.Decode(nil, quiet))
			}
			at = at.Add(gap / 2)
			rs = append(rs, d.Decode(p, at))
		}
		rs = append(rs, d.Decode(nil, at.Add(2*time.Second)))
		for _, r := range rs {
			fault = fault || r.Fault == Typed
		}
		return texts(rs...), fault
	}
	for _, terminator := range []string{"auto", "cr"} {
		if got, fault := press(250*time.Millisecond, "280438849930815813\r", KeyboardOptions{Terminator: terminator}); got != "" || !fault {
			t.Errorf("%s: typed by hand gave %q, fault %v", terminator, got, fault)
		}
		if got, fault := press(16*time.Millisecond, "280438849930815813\r", KeyboardOptions{Terminator: terminator}); got != "280438849930815813" || fault {
			t.Errorf("%s: a slow scanner gave %q, fault %v", terminator, got, fault)
		}
	}
	if got, _ := press(300*time.Millisecond, "2804388499\r", KeyboardOptions{Idle: time.Second}); got != "2804388499" {
		t.Errorf("a very slow scanner whose pace is configured gave %q", got)
	}
}
