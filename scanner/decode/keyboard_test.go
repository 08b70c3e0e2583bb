package decode

import (
	"slices"
	"strings"
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

// keys decodes a text that is typed at once.
func keys(t testing.TB, opt KeyboardOptions, text string) (all Result) {
	t.Helper()
	d := newKeyboard(t, opt)
	for i, p := range keyReports("us", text) {
		r := d.Decode(p, ms(i))
		all.Codes = append(all.Codes, r.Codes...)
		all.Fault = max(all.Fault, r.Fault)
	}
	return all
}

var enter = report(0, keyEnter)

// alt types digits on the keypad while Alt is down.
func alt(digits string) (reports [][]byte) {
	for _, c := range []byte(digits) {
		key := byte(keypad0)
		if c != '0' {
			key = keypad1 + c - '1'
		}
		reports = append(reports, report(modifierLeft, key), report(modifierLeft))
	}
	return append(reports, report(0))
}

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
		{"nor do other errors of the keyboard", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0, 3, 3, 3, 3, 3, 3), report(0, k(1)), report(0, 2, 2, 2, 2, 2, 2), report(0, k(1)), report(0, k(2)), report(0), enter}, "12"},
		{"an error beside a key is none", KeyboardOptions{}, [][]byte{report(0, k(1), 3), report(0), report(0, 1, k(2)), report(0), enter}, "12"},
		{"the modifier of the report counts", KeyboardOptions{},
			[][]byte{report(2), report(2, 4), report(0, 4), report(0), report(1<<5, 5), report(0), enter}, "AB"},
		{"keypad and its Enter", KeyboardOptions{},
			[][]byte{report(0, keypad1), report(0), report(0, keypad0), report(0), report(0, keypadDot), report(0), report(0, 0x57), report(0, keypadSlash), report(0, keypadEnter)}, "10.+/"},
		{"Alt and three keypad digits", KeyboardOptions{Layout: "it"}, keyReports("it", "a~b`c\r"), "a~b`c"},
		{"Alt with a leading zero is Windows-1252", KeyboardOptions{},
			[][]byte{report(4), report(4, keypad0), report(4), report(4, keypad1), report(4), report(4, keypad1+1), report(4), report(4, keypad1+7), report(4), report(0), enter}, "€"},
		{"Alt that is let go with the next key", KeyboardOptions{},
			slices.Concat(alt("65")[:4], [][]byte{report(0, k(1)), report(0), enter}), "A1"},
		{"Alt alone types nothing", KeyboardOptions{}, [][]byte{report(0, k(1)), report(4), report(0), report(0, k(2)), report(0), enter}, "12"},
		{"control characters", KeyboardOptions{},
			[][]byte{report(0, k(1)), report(0), report(1, 0x30), report(0), report(0, k(2)), report(0), report(1, 0x10)}, "1\x1d2"},
		{"Tab ends a code", KeyboardOptions{}, [][]byte{report(0, k(1)), report(0, keyTab), report(0), report(0, k(2)), report(0, keyTab)}, "1|2"},
		{"silence ends a code that has no end", KeyboardOptions{Terminator: "none"}, keyReports("us", "280438849930815813"), "280438849930815813"},
		{"silence drops half a code where Enter is promised", KeyboardOptions{Terminator: "cr"}, keyReports("us", "2804388499"), ""},
		{"Caps Lock of the scanner", KeyboardOptions{},
			[][]byte{report(0, keyCapsLock), report(0), report(0, 4), report(0), report(2, 5), report(0), report(0, k(1)), report(0), report(0, keyCapsLock), report(0, 4), enter}, "Ab1a"},
		{"inverted capitals", KeyboardOptions{InvertCaps: true}, keyReports("us", "HqvdufyWmq==1!\r"), "hQVDUFYwMQ==1!"},
		{"a key that the layout lacks spoils its code, and no other", KeyboardOptions{},
			slices.Concat(keyReports("us", "2804"), [][]byte{report(0, 0x3a), report(0)}, keyReports("us", "3884\r99\r")), "99"},
		{"so does one before it", KeyboardOptions{}, slices.Concat([][]byte{report(0, 0x87), report(0)}, keyReports("us", "3884\r99\r")), "99"},
		{"and Alt with what is no digit", KeyboardOptions{}, slices.Concat(keyReports("us", "28"), [][]byte{report(4, 4), report(0)}, keyReports("us", "38\r99\r")), "99"},
		{"and Alt with digits of no character", KeyboardOptions{},
			slices.Concat(keyReports("us", "28"), [][]byte{report(4, keypad1+8), report(4), report(4, keypad1+8), report(4), report(4, keypad1+8), report(0)}, keyReports("us", "38\r99\r")), "99"},
		{"and Alt with Enter of the keypad", KeyboardOptions{}, slices.Concat(keyReports("us", "28"), [][]byte{report(4, keypadEnter), report(0)}, keyReports("us", "38\r99\r")), "99"},
		{"and Ctrl with what has no control character", KeyboardOptions{}, slices.Concat(keyReports("us", "28"), [][]byte{report(1, k(1)), report(0)}, keyReports("us", "38\r99\r")), "99"},
		{"Num Lock and Scroll Lock do not", KeyboardOptions{},
			slices.Concat([][]byte{report(0, keyNumLock), report(0)}, keyReports("us", "28"), [][]byte{report(0, keyScrollLock), report(0)}, keyReports("us", "04\r")), "2804"},
		{"the Windows key types nothing", KeyboardOptions{}, [][]byte{report(8, 0x15), report(0), report(0, k(1)), enter}, "1"},
		{"nine bytes with a report ID (Microscan)", KeyboardOptions{},
			[][]byte{{2, 0, 0, k(1), 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0, 0, 0, 0}, {2, 2, 0, 4, 0, 0, 0, 0, 0}, {2, 0, 0, keyEnter, 0, 0, 0, 0, 0}}, "1A"},
		{"another report ID is not for us", KeyboardOptions{Report: KeyReport{ID: 1, Mods: 1, Keys: 3, Count: 6}},
			[][]byte{{1, 0, 0, k(1), 0, 0, 0, 0, 0}, {3, 0xe9, 0}, {1, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 0, 0, keyEnter, 0, 0, 0, 0, 0}}, "1"},
		{"dead keys", KeyboardOptions{Layout: "de"},
			[][]byte{report(0, 0x35), report(0), report(0, keySpace), report(0), report(0, 0x2e), report(0), report(0, 8), report(0), enter}, "^é"},
		{"a dead key before a letter that takes no accent", KeyboardOptions{Layout: "de"}, [][]byte{report(0, 0x2e), report(0), report(0, 0x1b), report(0), enter}, "´x"},
		{"a report without keys is none", KeyboardOptions{}, [][]byte{report(0, k(1)), {0, 0}, report(0, k(1)), report(0), enter}, "1"},
		{"AltGr", KeyboardOptions{Layout: "de"}, keyReports("de", "a@b{c}[d]\\|~\r"), "a@b{c}[d]\\|~"},
		{"an identifier", KeyboardOptions{Affixes: Affixes{AIM: true}}, keyReports("us", "]C0280438849930815813\r"), "280438849930815813"},
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

// The same key down before and after reports were lost is another press: nobody knows what came between.
func TestKeyboardForgetsHeldKeysAfterALoss(t *testing.T) {
	d := newKeyboard(t, KeyboardOptions{})
	one := report(0, 0x1e)
	d.Decode(one, ms(0))
	d.Lost(ms(10))
	rs := []Result{d.Decode(enter, ms(20)), d.Decode(report(0), ms(21))} // the end of what is dropped
	d.Decode(one, ms(30))
	d.Lost(ms(40))
	rs = append(rs, d.Decode(enter, ms(41)), d.Decode(one, ms(42)), d.Decode(report(0), ms(43)), d.Decode(enter, ms(44)))
	if got := texts(rs...); got != "1" {
		t.Errorf("got %q", got)
	}
	shift := newKeyboard(t, KeyboardOptions{})
	shift.Decode(report(4, keypad1), ms(0)) // Alt and a digit of the keypad
	shift.Lost(ms(1))
	if got := texts(shift.Decode(enter, ms(2)), shift.Decode(report(0), ms(3)), shift.Decode(report(0, 0x1e), ms(4)), shift.Decode(report(0), ms(5)), shift.Decode(enter, ms(6))); got != "1" {
		t.Errorf("after a loss with Alt down: %q", got)
	}
}

// A press of Caps Lock that was lost must not swap the letters of later codes.
func TestKeyboardCapsLockIsRightAgain(t *testing.T) {
	caps := [][]byte{report(0, keyCapsLock), report(0)}
	show := func(d Decoder, at int, reports ...[]byte) string {
		var rs []Result
		for i, p := range reports {
			rs = append(rs, d.Decode(p, ms(at+i)))
		}
		for quiet := 0; quiet <= 2000; quiet += 50 {
			rs = append(rs, d.Decode(nil, ms(at+len(reports)+quiet)))
		}
		return texts(rs...)
	}
	// as a scanner sends hQ that turns Caps Lock around each code
	whole := slices.Concat(caps, keyReports("us", "Hq\r"), caps)
	d := newKeyboard(t, KeyboardOptions{})
	if got := show(d, 0, whole...); got != "hQ" {
		t.Errorf("whole: %q", got)
	}
	half := newKeyboard(t, KeyboardOptions{})
	show(half, 0, slices.Concat(caps, keyReports("us", "Hq\r"))...) // the second press is lost
	if got := show(half, 10_000, slices.Concat(caps, keyReports("us", "Hq123\r"), caps)...); got != "" {
		t.Errorf("letters right after a lost press: %q", got)
	}
	for i := range 3 {
		if got := show(half, 20_000+10_000*i, whole...); got != "hQ" {
			t.Errorf("code %d after it: %q", i, got)
		}
	}
	show(half, 60_000, caps...)
	if got := show(half, 70_000, keyReports("us", "280438849930815813\r")...); got != "280438849930815813" {
		t.Errorf("digits right after a lost press: %q", got)
	}
	lost := newKeyboard(t, KeyboardOptions{}) // and what the machine knows to be lost
	lost.Lost(ms(0))
	if got := show(lost, 1, slices.Concat(keyReports("us", "Hq\r"), caps, keyReports("us", "Ab\r12\r"))...); got != "12" {
		t.Errorf("after a loss: %q", got)
	}
}

// A keyboard that sends a bit for each key. Two keys at once have no order, and spoil their code.
func TestKeyboardBitmap(t *testing.T) {
	rep := ParseDescriptor(nkro).KeyReport()
	if want := (KeyReport{ID: 5, Mods: 1, Keys: 16, Count: 0x68, Bitmap: true, First: 0}); rep != want {
		t.Fatalf("got %+v, want %+v", rep, want)
	}
	bits := func(mods byte, keys ...byte) []byte {
		p := make([]byte, 2+0x68/8)
		p[0], p[1] = 5, mods
		for _, k := range keys {
			p[2+k/8] |= 1 << (k % 8)
		}
		return p
	}
	for _, tc := range []struct {
		reports [][]byte
		want    string
	}{
		{[][]byte{bits(0, 0x1f), bits(0), bits(0, 0x25), bits(0, 0x25, 0x27), bits(0, 0x27), bits(0), bits(2, 4), bits(0), bits(0, keyEnter)}, "280A"},
		{[][]byte{bits(0, 0x1f), bits(0), bits(0, 0x25, 0x27), bits(0), bits(0, keyEnter), bits(0), bits(0, 0x1f), bits(0, keyEnter)}, "2"},
		{[][]byte{bits(0, 0x1f), bits(0), bits(0, 0x1f), bits(0), bits(0, keyEnter)}, "22"},
		{[][]byte{{5}, bits(0, 0x1f), bits(0, keyEnter)}, "2"},
		{[][]byte{{4, 0, 0x80}, bits(0, 0x1f), {5, 0}, bits(0, keyEnter)}, "2"},
	} {
		if got := typed(t, KeyboardOptions{Report: rep}, tc.reports...); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

func TestLEDsOff(t *testing.T) {
	if got := ParseDescriptor(bootKeyboard).LEDsOff(); string(got) != "\x00\x00" {
		t.Errorf("boot keyboard: % x", got)
	}
	numbered := slices.Concat(bootKeyboard[:6], []byte{0x85, 2}, bootKeyboard[6:])
	if got := ParseDescriptor(numbered).LEDsOff(); string(got) != "\x02\x00" {
		t.Errorf("with report numbers: % x", got)
	}
	if got := ParseDescriptor(posDescriptor).LEDsOff(); got != nil {
		t.Errorf("without lamps: % x", got)
	}
}

// Ctrl makes control characters of letters and of the signs from [ to _, and of nothing else.
func TestKeyboardControlCharacters(t *testing.T) {
	for _, tc := range []struct {
		key, mods byte
		want      string
	}{
		{0x04, 1, "\x01"}, {0x1d, 1, "\x1a"}, {0x1d, 1 | 2, "\x1a"}, {0x2f, 1, "\x1b"}, {0x30, 1, "\x1d"}, {0x31, 1, "\x1c"}, {0x23, 1 | 2, "\x1e"}, {0x2d, 1 | 2, "\x1f"},
		{0x35, 1, ""}, {0x2f, 1 | 2, ""}, {0x1f, 1 | 2, ""}, {0x1e, 1, ""}, // ` { @ 1
	} {
		got := typed(t, KeyboardOptions{Terminator: "cr"}, report(0, 0x1f), report(0), report(tc.mods, tc.key), report(0), report(0, 0x20), report(0), enter)
		want := ""
		if tc.want != "" {
			want = "2" + tc.want + "3"
		}
		if got != want {
			t.Errorf("key %x with %x: %q, want %q", tc.key, tc.mods, got, want)
		}
	}
}

// Caps Lock stays as the scanner has set it for as long as the code may still come.
func TestKeyboardCapsLockBeforeAPause(t *testing.T) {
	for pause, want := range map[int]string{1450: "hQ", 1500: ""} {
		d := newKeyboard(t, KeyboardOptions{})
		d.Decode(report(0, keyCapsLock), ms(0))
		d.Decode(report(0), ms(0))
		for quiet := 50; quiet <= pause; quiet += 50 {
			d.Decode(nil, ms(quiet))
		}
		var rs []Result
		for i, p := range keyReports("us", "Hq\r") {
			rs = append(rs, d.Decode(p, ms(pause+i)))
		}
		if got := texts(rs...); got != want {
			t.Errorf("a pause of %d ms: %q", pause, got)
		}
	}
}

// Alt and digits make a character of code page 437, or with a 0 before them of Windows-1252. Digits that make none spoil
// their code.
func TestKeyboardAltCodes(t *testing.T) {
	for digits, want := range map[string]string{
		"65": "A", "127": "\x7f", "128": "Ç", "130": "é", "255": "\u00a0", "0128": "€", "0159": "Ÿ", "0160": "\u00a0", "0233": "é", "0255": "ÿ",
		"00000065": "A", "000000065": "", "0": "", "256": "", "0256": "", "0129": "",
	} {
		if want != "" {
			want = "1" + want + "2"
		}
		if got := typed(t, KeyboardOptions{}, slices.Concat(keyReports("us", "1"), alt(digits), keyReports("us", "2\r"))...); got != want {
			t.Errorf("Alt and %s: %q, want %q", digits, got, want)
		}
	}
}

// The pace of a code is that of its own keys: up to 80 ms, or what is configured, it is a scanner's. How long ago the
// code before it was does not count.
func TestKeyboardPace(t *testing.T) {
	for _, tc := range []struct {
		idle time.Duration
		gap  int
		want string
	}{{0, 80, "280438"}, {0, 81, ""}, {200 * time.Millisecond, 200, "280438"}, {200 * time.Millisecond, 201, ""}} {
		d := newKeyboard(t, KeyboardOptions{Idle: tc.idle, Terminator: "cr"})
		var rs []Result
		for i, p := range keyReports("us", "280438\r") {
			rs = append(rs, d.Decode(p, ms(i/2*tc.gap))) // let go at once
		}
		if got := texts(rs...); got != tc.want {
			t.Errorf("a key each %d ms: %q, want %q", tc.gap, got, tc.want)
		}
	}
	d := newKeyboard(t, KeyboardOptions{})
	var got []string
	for n := range 3 {
		for i, p := range keyReports("us", "1\r") {
			got = append(got, texts(d.Decode(p, ms(5000*n+i))))
		}
	}
	if got := strings.Join(got, ""); got != "111" {
		t.Errorf("codes of one character: %q", got)
	}
}

// What only silence ends is a code from four characters on, and else what somebody types.
func TestKeyboardShortestCodeWithoutEnd(t *testing.T) {
	for text, want := range map[string]Fault{"1234": NoFault, "123": Typed} {
		d := newKeyboard(t, KeyboardOptions{Terminator: "none"})
		for i, p := range keyReports("us", text) {
			d.Decode(p, ms(i))
		}
		if r := d.Decode(nil, ms(1000)); r.Fault != want || (texts(r) == text) != (want == NoFault) {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func TestKnownLayouts(t *testing.T) {
	for _, name := range append([]string{""}, Layouts...) {
		if _, err := NewKeyboard(KeyboardOptions{Layout: name}); err != nil || !KnownLayout(name) {
			t.Errorf("%q: known %t, %v", name, KnownLayout(name), err)
		}
	}
	if _, err := NewKeyboard(KeyboardOptions{Layout: "dvorak"}); err == nil || KnownLayout("dvorak") {
		t.Errorf("dvorak: known %t, %v", KnownLayout("dvorak"), err)
	}
}
