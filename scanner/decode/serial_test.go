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

func TestSerialSilence(t *testing.T) {
	for _, tc := range []struct {
		terminator string
		want       string // after "12" without an end and long silence
	}{{"auto", "12"}, {"none", "12"}, {"cr", ""}, {"crlf", ""}, {"etx", ""}} {
		d := newSerial(t, SerialOptions{Terminator: tc.terminator})
		got := texts(d.Decode([]byte("12"), ms(0)), d.Decode(nil, ms(50)))
		if got != "" {
			t.Errorf("%s: %q after 50 ms", tc.terminator, got)
		}
		if got := texts(d.Decode(nil, ms(2000))); got != tc.want {
			t.Errorf("%s: silence gave %q, want %q", tc.terminator, got, tc.want)
		}
		if got := texts(d.Decode([]byte("34\r\n"), ms(3000)), d.Decode([]byte("\x03"), ms(3000)), d.Decode(nil, ms(5000))); got != "34" {
			t.Errorf("%s: the next code is %q", tc.terminator, got)
		}
	}
}

// A scanner that ends its codes is given more time when one seems to end in the middle.
func TestSerialPatience(t *testing.T) {
	d := newSerial(t, SerialOptions{})
	d.Decode([]byte("12\r34\r5"), ms(0))
	if got := texts(d.Decode(nil, ms(400)), d.Decode([]byte("6\r78"), ms(450)), d.Decode(nil, ms(949))); got != "56" {
		t.Errorf("got %q", got)
	}
	if got := texts(d.Decode(nil, ms(950)), d.Decode([]byte("9"), ms(951)), d.Decode(nil, ms(1051))); got != "78|9" {
		t.Errorf("got %q", got)
	}
}

func TestSerialTimeIsThatOfTheLastByte(t *testing.T) {
	d := newSerial(t, SerialOptions{Terminator: "none"})
	d.Decode([]byte("1234"), ms(0))
	d.Decode([]byte("5678"), ms(30))
	r := d.Decode(nil, ms(160))
	if len(r.Codes) != 1 || !r.Codes[0].At.Equal(ms(30)) {
		t.Errorf("got %+v", r)
	}
}

func TestSerialAIMAndACK(t *testing.T) {
	d := newSerial(t, SerialOptions{AIM: true, ACK: true})
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
	d := NewSSI()
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
