package decode

import (
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func ms(n int) time.Time { return t0.Add(time.Duration(n) * time.Millisecond) }

func texts(rs ...Result) string {
	var all []string
	for _, r := range rs {
		for _, c := range r.Codes {
			all = append(all, c.Text)
		}
	}
	return strings.Join(all, "|")
}

func newSerial(t testing.TB, opt SerialOptions) Decoder {
	t.Helper()
	d, err := NewSerial(opt)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Silence ends a code only where no end is to come. Elsewhere what stops in the middle is given up, and what comes
// up to the next end is the rest of it.
func TestSerialSilence(t *testing.T) {
	for _, tc := range []struct {
		terminator string
		silence    string // what 12 without an end and long silence give
		next       string // what 34 and then 56, each with an end, give
	}{{"none", "12", "34|56"}, {"auto", "", "56"}, {"cr", "", "56"}, {"lf", "", "56"}, {"crlf", "", "56"}, {"etx", "", "56"}, {"tab", "", "56"}} {
		d := newSerial(t, SerialOptions{Terminator: tc.terminator})
		got := texts(d.Decode([]byte("12"), ms(0)), d.Decode(nil, ms(450)))
		if got != "" {
			t.Errorf("%s: %q after 450 ms", tc.terminator, got)
		}
		r := d.Decode(nil, ms(2000))
		if got := texts(r); got != tc.silence || (r.Fault == Unended) != (got == "") {
			t.Errorf("%s: silence gave %q and fault %d", tc.terminator, got, r.Fault)
		}
		end := map[string]string{"etx": "\x03", "tab": "\t"}[tc.terminator]
		if end == "" {
			end = "\r\n"
		}
		if got := texts(d.Decode([]byte("34"+end), ms(30_000)), d.Decode(nil, ms(32_000)), d.Decode([]byte("56"+end), ms(40_000)), d.Decode(nil, ms(42_000))); got != tc.next {
			t.Errorf("%s: then came %q", tc.terminator, got)
		}
	}
}

// A code that stopped in the middle is shown again: it is known by its beginning.
func TestSerialShownAgain(t *testing.T) {
	for _, half := range []string{"28043884", "2804388"} {
		d := newSerial(t, SerialOptions{})
		d.Decode([]byte(half), ms(0))
		d.Decode(nil, ms(1500))
		if got := texts(d.Decode([]byte("280438849930815813\r"), ms(3000))); got != "280438849930815813" {
			t.Errorf("shown again after %s: %q", half, got)
		}
	}
	short := newSerial(t, SerialOptions{}) // too little to know it by
	short.Decode([]byte("280438"), ms(0))
	short.Decode(nil, ms(1500))
	if got := texts(short.Decode([]byte("280438\r"), ms(3000)), short.Decode([]byte("280438\r"), ms(6000))); got != "280438" {
		t.Errorf("after six characters: %q", got)
	}
}

// A scanner that sends no end is known by the same code shown twice, and stays known when it is opened again; one
// that sends ends is never taken for it.
func TestSerialLearnsThatNoEndComes(t *testing.T) {
	var habit Habit
	d := newSerial(t, SerialOptions{Habit: &habit})
	show := func(d Decoder, at int, text string) string {
		return texts(d.Decode([]byte(text), ms(at)), d.Decode(nil, ms(at+450)), d.Decode(nil, ms(at+1000)))
	}
	for i, want := range []string{"", "280438849930815813", "280438849930815813"} {
		if got := show(d, 5000*i, "280438849930815813"); got != want {
			t.Errorf("time %d: %q, want %q", i, got, want)
		}
	}
	if got := show(d, 20_000, "4006381333931"); got != "4006381333931" || !habit.Bare {
		t.Errorf("another code: %q", got)
	}
	again := newSerial(t, SerialOptions{Habit: &habit})
	if got := show(again, 30_000, "4006381333931"); got != "4006381333931" {
		t.Errorf("opened again: %q", got)
	}
	again.Decode([]byte("12\r"), ms(40_000))
	if got := show(again, 50_000, "280438849930815813") + show(again, 55_000, "280438849930815813"); got != "" || habit.Bare {
		t.Errorf("since it has sent an end: %q", got)
	}
	two := newSerial(t, SerialOptions{})
	if got := show(two, 0, "28043884") + show(two, 5000, "99308158"); got != "" {
		t.Errorf("two halves of a code: %q", got)
	}
	seven := newSerial(t, SerialOptions{})
	if got := show(seven, 0, "1111111") + show(seven, 5000, "1111111"); got != "1111111" {
		t.Errorf("seven characters twice: %q", got)
	}
	few := newSerial(t, SerialOptions{})
	if got := show(few, 0, "111111") + show(few, 5000, "111111"); got != "" {
		t.Errorf("six characters twice: %q", got)
	}
}

// What ends a code grows with the pauses that the scanner makes inside its codes, within bounds.
func TestSerialLearnsItsSilence(t *testing.T) {
	d := newSerial(t, SerialOptions{Terminator: "none"})
	d.Decode([]byte("2804"), ms(0))
	d.Decode(nil, ms(300))
	d.Decode([]byte("3884"), ms(320))
	if got := texts(d.Decode(nil, ms(320+850))); got != "" {
		t.Errorf("850 ms after a code with a pause of 300 ms: %q", got)
	}
	if got := texts(d.Decode(nil, ms(320+900))); got != "28043884" {
		t.Errorf("900 ms after it: %q", got)
	}
	d.Decode([]byte("1234"), ms(5000))
	d.Decode(nil, ms(5850))
	d.Decode([]byte("5678"), ms(5860))
	if got := texts(d.Decode(nil, ms(5860+1950)), d.Decode(nil, ms(5860+2000))); got != "12345678" {
		t.Errorf("2 s after a code with a pause of 850 ms: %q", got)
	}
	set := newSerial(t, SerialOptions{Terminator: "none", Idle: 50 * time.Millisecond})
	if got := texts(set.Decode([]byte("1234"), ms(0)), set.Decode(nil, ms(50))); got != "1234" {
		t.Errorf("after the configured silence: %q", got)
	}
}

// Bytes that no code has, as a line makes when it is plugged in, cost no code.
func TestSerialNoiseCostsNothing(t *testing.T) {
	d := newSerial(t, SerialOptions{})
	d.Decode([]byte("\x00\xff\xfe"), ms(0))
	if r := d.Decode(nil, ms(2000)); r.Fault != NoFault {
		t.Errorf("fault %d", r.Fault)
	}
	if got := texts(d.Decode([]byte("1234\r"), ms(3000))); got != "1234" {
		t.Errorf("got %q", got)
	}
}

func TestSerialTimeIsThatOfTheLastByte(t *testing.T) {
	d := newSerial(t, SerialOptions{Terminator: "none"})
	d.Decode([]byte("1234"), ms(0))
	d.Decode([]byte("5678"), ms(30))
	r := d.Decode(nil, ms(560))
	if len(r.Codes) != 1 || !r.Codes[0].At.Equal(ms(30)) {
		t.Errorf("got %+v", r)
	}
}

// A prefix and a suffix of the scanner's own are taken off; what lacks them is not the whole of what it sent.
func TestAffixes(t *testing.T) {
	fix := Affixes{AIM: true, Prefix: "<", Suffix: ">>"}
	for _, tc := range []struct{ sent, text, symbology string }{
		{"<]C0280438849930815813>>", "280438849930815813", "C0"},
		{"<280438849930815813>>", "280438849930815813", ""},
		{"280438849930815813>>", "", ""},
		{"<280438849930815813>", "", ""},
		{"]C0<280438849930815813>>", "", ""},
		{"<>>", "", ""},
	} {
		for name, r := range map[string]Result{
			"serial":   newSerial(t, SerialOptions{Affixes: fix}).Decode([]byte(tc.sent+"\r"), ms(0)),
			"ssi":      NewSSI(fix).Decode(fromScanner(0, 0x7f, tc.sent), ms(0)), // of no known kind
			"pos":      NewPOS(POSOptions{Affixes: fix, Report: IBMReport}).Decode(posReports(IBMReport, "", tc.sent)[0], ms(0)),
			"keyboard": keys(t, KeyboardOptions{Affixes: fix}, tc.sent+"\r"),
		} {
			if got := texts(r); got != tc.text || got != "" && r.Codes[0].Symbology != tc.symbology {
				t.Errorf("%s: %q gave %+v", name, tc.sent, r)
			}
			if (r.Fault == Unframed) != (tc.text == "" && tc.sent != "<>>") {
				t.Errorf("%s: %q gave fault %d", name, tc.sent, r.Fault)
			}
		}
	}
}

func TestSerialAIMAndACK(t *testing.T) {
	d := newSerial(t, SerialOptions{Affixes: Affixes{AIM: true}, ACK: true})
	r := d.Decode([]byte("]Q1hQVDUFYwMQ==\r"), ms(0))
	if texts(r) != "hQVDUFYwMQ==" || r.Codes[0].Symbology != "Q1" || string(r.Reply) != "\x06" {
		t.Errorf("got %+v", r)
	}
	if r := d.Decode([]byte("plain\r"), ms(1)); texts(r) != "plain" || r.Codes[0].Symbology != "" {
		t.Errorf("got %+v", r)
	}
	keep := newSerial(t, SerialOptions{})
	if r := keep.Decode([]byte("]Q1x\r"), ms(0)); texts(r) != "]Q1x" {
		t.Errorf("an identifier was taken off unasked: %+v", r)
	}
}

func TestSerialTooLong(t *testing.T) {
	for _, terminator := range []string{"cr", "crlf", "auto"} {
		d := newSerial(t, SerialOptions{Terminator: terminator})
		r := d.Decode([]byte(strings.Repeat("x", 5000)+"\r\n1234\r\n"), ms(0))
		if texts(r) != "1234" || r.Fault != TooLong {
			t.Errorf("%s: %+v", terminator, texts(r))
		}
	}
}

// The packets are of the SSI Programmer's Guide and the DS9808-R guide.
func TestSSIPackets(t *testing.T) {
	for _, tc := range []struct {
		name string
		got  []byte
		want string
	}{
		{"START_SESSION", SSIPacket(0xe4, 0), "\x04\xe4\x04\x00\xff\x14"},
		{"STOP_SESSION", SSIPacket(0xe5, 0), "\x04\xe5\x04\x00\xff\x13"},
		{"SCAN_ENABLE", SSIPacket(0xe9, 0), "\x04\xe9\x04\x00\xff\x0f"},
		{"SCAN_DISABLE", SSIPacket(0xea, 0), "\x04\xea\x04\x00\xff\x0e"},
		{"LED_ON", SSIPacket(0xe7, 0, 1), "\x05\xe7\x04\x00\x01\xff\x0f"},
		{"REQUEST_REVISION", SSIPacket(0xa3, 0), "\x04\xa3\x04\x00\xff\x55"},
		{"CMD_ACK", SSIPacket(0xd0, 0), "\x04\xd0\x04\x00\xff\x28"},
	} {
		if string(tc.got) != tc.want {
			t.Errorf("%s is % x, want % x", tc.name, tc.got, tc.want)
		}
	}
}

// fromScanner makes a decode-data packet.
func fromScanner(status, kind byte, text string) []byte {
	p := append([]byte{byte(5 + len(text)), ssiDecodeData, 0, status, kind}, text...)
	ck := ssiChecksum(p)
	return append(p, byte(ck>>8), byte(ck))
}

func TestSSIScans(t *testing.T) {
	ack, nak := string(SSIPacket(ssiCmdACK, 0)), string(SSIPacket(ssiCmdNAK, 0, 1))
	d := NewSSI(Affixes{})
	one := fromScanner(0, 3, "280438849930815813\r")
	r := d.Decode(append([]byte{0, 4, 0xd0, 0, 0, 0xff, 0x2c}, one...), ms(0))
	if texts(r) != "280438849930815813" || r.Codes[0].Symbology != "C0" || string(r.Reply) != ack {
		t.Errorf("got %+v", r)
	}
	if r := d.Decode(fromScanner(1, 3, "280438849930815813\r"), ms(1)); len(r.Codes) != 0 || string(r.Reply) != ack {
		t.Errorf("a repetition of what was taken was taken again: %+v", r)
	}
	bad := fromScanner(0, 3, "12")
	bad[5] ^= 1
	if r := d.Decode(bad, ms(2)); len(r.Codes) != 0 || string(r.Reply) != nak || r.Fault != Damaged {
		t.Errorf("a wrong checksum passed: %+v", r)
	}
	r = d.Decode(append(fromScanner(2, 0x1c, strings.Repeat("a", 240)), fromScanner(0, 0x1c, "b")...), ms(3))
	if texts(r) != strings.Repeat("a", 240)+"b" || r.Codes[0].Symbology != "Q1" {
		t.Errorf("packets of one code: %+v", r)
	}
	d.Decode(one[:7], ms(10))
	if r := d.Decode(nil, ms(300)); string(r.Reply) != nak {
		t.Errorf("half a packet was not asked for again: %+v", r)
	}
	if got := texts(d.Decode(one, ms(301))); got != "280438849930815813" {
		t.Errorf("after half a packet: %q", got)
	}
}

// Packets of one code belong together as long as the scanner may wait for an answer, and no longer.
func TestSSIHalfACodeIsNotJoinedToTheNext(t *testing.T) {
	d := NewSSI(Affixes{})
	d.Decode(fromScanner(2, 3, "28043884"), ms(0))
	if got := texts(d.Decode(fromScanner(0, 3, "9930815813"), ms(2500))); got != "280438849930815813" {
		t.Errorf("after 2.5 s: %q", got)
	}
	d.Decode(fromScanner(2, 3, "28043884"), ms(10_000))
	if r := d.Decode(fromScanner(0, 3, "9930815813"), ms(30_000)); len(r.Codes) != 0 || r.Fault != Unended {
		t.Errorf("the rest after 20 s: %+v", r)
	}
	d.Decode(fromScanner(2, 3, "28043884"), ms(40_000))
	if got := texts(d.Decode(fromScanner(0, 0x1c, "another"), ms(60_000))); got != "another" {
		t.Errorf("a code of another kind: %q", got)
	}
	d.Decode(fromScanner(2, 3, "28043884"), ms(70_000))
	if got := texts(d.Decode(fromScanner(0, 3, "280438849930815813"), ms(90_000))); got != "280438849930815813" {
		t.Errorf("the same code shown again: %q", got)
	}
	d.Decode(fromScanner(2, 3, "28043884"), ms(100_000))
	bad := fromScanner(2, 3, "99")
	bad[6] ^= 1
	d.Decode(bad, ms(100_010))
	if got := texts(d.Decode(fromScanner(0, 3, "4006381333931"), ms(100_020))); got != "4006381333931" {
		t.Errorf("after a packet that was not sent again: %q", got)
	}
}

// Bytes that were lost may have been whole packets.
func TestSSILost(t *testing.T) {
	d := NewSSI(Affixes{})
	d.Decode(fromScanner(2, 3, "28043884"), ms(0))
	d.Lost(ms(10))
	if got := texts(d.Decode(fromScanner(2, 3, "993081"), ms(20)), d.Decode(fromScanner(0, 3, "5813"), ms(30))); got != "" {
		t.Errorf("a code with a hole: %q", got)
	}
	if got := texts(d.Decode(fromScanner(0, 3, "1234"), ms(40))); got != "1234" {
		t.Errorf("the next one: %q", got)
	}
	d.Decode(fromScanner(0, 3, "1234")[:5], ms(50))
	d.Lost(ms(60))
	if got := texts(d.Decode(fromScanner(0, 3, "56"), ms(70)), d.Decode(fromScanner(0, 3, "78"), ms(80))); got != "78" {
		t.Errorf("after half a packet: %q", got)
	}
}

// What is too long for a code is dropped whole, and the next code is not.
func TestSSITooLong(t *testing.T) {
	d := NewSSI(Affixes{})
	for i := range 20 {
		d.Decode(fromScanner(2, 3, strings.Repeat("9", 240)), ms(i))
	}
	if r := d.Decode(fromScanner(0, 3, "end"), ms(30)); len(r.Codes) != 0 || r.Fault != TooLong {
		t.Errorf("too long: %q, fault %d", texts(r), r.Fault)
	}
	if r := d.Decode(fromScanner(0, 3, "1234"), ms(40)); texts(r) != "1234" || r.Fault != NoFault {
		t.Errorf("the next one: %+v", r)
	}
}

func TestSplitAIM(t *testing.T) {
	for text, want := range map[string]string{
		"]A0": "A0", "]Z9x": "Z9", "]a0x": "a0", "]z0x": "z0", "]CAx": "CA", "]Czx": "Cz", "]": "", "]C": "", "C0x": "", "xC0": "",
		"]@0x": "", "][0x": "", "]`0x": "", "]{0x": "", "]00x": "", "]C/x": "", "]C:x": "", "]C@x": "", "]C[x": "",
	} {
		id, rest := SplitAIM(text)
		if id != want || want == "" && rest != text || want != "" && rest != text[3:] {
			t.Errorf("%q: %q and %q", text, id, rest)
		}
	}
}

// The longest code comes, a longer one does not.
func TestSerialLongestCode(t *testing.T) {
	for n, want := range map[int]int{MaxLen: MaxLen, MaxLen + 1: 0} {
		d := newSerial(t, SerialOptions{})
		r := d.Decode([]byte(strings.Repeat("9", n)+"\r"), ms(0))
		if got := len(texts(r)); got != want || (r.Fault == TooLong) != (want == 0) {
			t.Errorf("%d characters: %d came, fault %d", n, got, r.Fault)
		}
	}
	packets := func(last int) Result {
		d := NewSSI(Affixes{})
		for i := range 16 {
			d.Decode(fromScanner(2, 3, strings.Repeat("9", 250)), ms(i))
		}
		return d.Decode(fromScanner(0, 3, strings.Repeat("9", last)), ms(20))
	}
	if r := packets(MaxLen - 4000); len(texts(r)) != MaxLen {
		t.Errorf("the longest code in packets: %d, fault %d", len(texts(r)), r.Fault)
	}
	if r := packets(MaxLen - 3999); texts(r) != "" || r.Fault != TooLong {
		t.Errorf("a longer one: %d, fault %d", len(texts(r)), r.Fault)
	}
}

// A packet may pause for as long as its sender is given, and not longer.
func TestSSIPauseInsideAPacket(t *testing.T) {
	p := fromScanner(0, 3, "1234")
	for pause, want := range map[int]string{199: "1234", 200: ""} {
		d := NewSSI(Affixes{})
		d.Decode(p[:5], ms(0))
		if got := texts(d.Decode(p[5:], ms(pause))); got != want {
			t.Errorf("a pause of %d ms: %q", pause, got)
		}
	}
	for pause, want := range map[int]string{2999: "12345678", 3000: ""} {
		d := NewSSI(Affixes{})
		d.Decode(fromScanner(2, 3, "1234"), ms(0))
		if got := texts(d.Decode(fromScanner(0, 3, "5678"), ms(pause))); got != want {
			t.Errorf("a pause of %d ms between packets: %q", pause, got)
		}
	}
}

// Silence counts from the moment that it is as long as it must be.
func TestSerialHalfACodeIsGivenUpAfterASecond(t *testing.T) {
	for pause, want := range map[int]string{999: "12345678", 1000: ""} {
		d := newSerial(t, SerialOptions{Terminator: "cr"})
		d.Decode([]byte("1234"), ms(0))
		d.Decode(nil, ms(pause))
		if got := texts(d.Decode([]byte("5678\r"), ms(pause))); got != want {
			t.Errorf("a pause of %d ms: %q", pause, got)
		}
	}
	for pause, want := range map[int]string{499: "", 500: "1234"} {
		d := newSerial(t, SerialOptions{Terminator: "none"})
		d.Decode([]byte("1234"), ms(0))
		if got := texts(d.Decode(nil, ms(pause))); got != want {
			t.Errorf("%d ms after a code without end: %q", pause, got)
		}
	}
}

// What can be seen may be half a code, and its rest is dropped; what cannot be is noise.
func TestSerialWhatIsNoise(t *testing.T) {
	for half, want := range map[string]string{"!": "", "~": "", "  ": "1234", "\x7f\x80": "1234", "\x1b": "1234"} {
		d := newSerial(t, SerialOptions{})
		d.Decode([]byte(half), ms(0))
		d.Decode(nil, ms(2000))
		if got := texts(d.Decode([]byte("1234\r"), ms(3000))); got != want {
			t.Errorf("after %q: %q", half, got)
		}
	}
}
