package decode

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The length is drawn first: rapid would make nearly all of them a few characters long, and a code of several
// reports or packets would hardly come.
var (
	printable = rapid.Custom(func(t *rapid.T) string {
		n := rapid.IntRange(1, 200).Draw(t, "length")
		return rapid.StringOfN(rapid.RuneFrom(nil, asciiTable), n, n, -1).Draw(t, "text")
	})
	anyBytes = rapid.Custom(func(t *rapid.T) []byte {
		n := rapid.IntRange(1, 300).Draw(t, "length")
		return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "bytes")
	})
)

// spread cuts bytes into reads with pauses below the idle time.
func spread(t *rapid.T, d Decoder, stream []byte, pause int) (rs []Result) {
	at := t0
	for len(stream) > 0 {
		n := rapid.IntRange(1, len(stream)).Draw(t, "read")
		rs = append(rs, d.Decode(stream[:n], at))
		stream = stream[n:]
		at = at.Add(time.Duration(rapid.IntRange(0, pause).Draw(t, "ms")) * time.Millisecond)
		if rapid.Bool().Draw(t, "silence") {
			rs = append(rs, d.Decode(nil, at))
		}
	}
	return append(rs, d.Decode(nil, at.Add(2*time.Second)))
}

func TestSerialAnyTextArrives(t *testing.T) {
	ends := map[string]string{"auto": "\r\n", "cr": "\r", "lf": "\n", "crlf": "\r\n", "tab": "\t", "etx": "\x03"}
	rapid.Check(t, func(t *rapid.T) {
		terminator := rapid.SampledFrom([]string{"auto", "cr", "lf", "crlf", "tab", "etx"}).Draw(t, "terminator")
		codes := rapid.SliceOfN(printable, 1, 5).Draw(t, "codes")
		d, err := NewSerial(SerialOptions{Terminator: terminator})
		if err != nil {
			t.Fatal(err)
		}
		rs := spread(t, d, []byte(strings.Join(codes, ends[terminator])+ends[terminator]), 99)
		if got, want := texts(rs...), strings.Join(codes, "|"); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestSSIAnyTextArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOfN(printable, 1, 5).Draw(t, "codes")
		var stream []byte
		for _, c := range codes {
			if n := rapid.IntRange(0, len(c)).Draw(t, "first packet"); n > 0 {
				stream = append(stream, fromScanner(2, 3, c[:n])...)
				c = c[n:]
			}
			stream = append(stream, fromScanner(0, 3, c)...)
		}
		rs := spread(t, NewSSI(Affixes{}), stream, 99)
		if got, want := texts(rs...), strings.Join(codes, "|"); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func TestKeyboardAnyTextArrives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(Layouts).Draw(t, "layout")
		codes := rapid.SliceOfN(printable, 1, 4).Draw(t, "codes")
		terminator := rapid.SampledFrom([]string{"cr", "auto", "none"}).Draw(t, "terminator")
		numbered := rapid.Bool().Draw(t, "nine bytes")
		d, err := NewKeyboard(KeyboardOptions{Layout: name, Terminator: terminator})
		if err != nil {
			t.Fatal(err)
		}
		end, pause := "\r", 26 // three times that, as between keys of the keypad, is below a person's pace
		switch terminator {
		case "auto":
			pause = 8 // a character by Alt and keypad has eight reports
		case "none":
			codes = []string{"2804" + codes[0]}
			end, pause = "", 8
		}
		var rs []Result
		at := t0
		for _, p := range keyReports(name, strings.Join(codes, "\r")+end) {
			if numbered {
				p = append([]byte{2}, p...)
			}
			for range rapid.IntRange(1, 3).Draw(t, "repeats") { // the idle rate
				rs = append(rs, d.Decode(p, at))
			}
			at = at.Add(time.Duration(rapid.IntRange(0, pause).Draw(t, "ms")) * time.Millisecond)
			if rapid.Bool().Draw(t, "silence") {
				rs = append(rs, d.Decode(nil, at))
			}
		}
		rs = append(rs, d.Decode(nil, at.Add(2*time.Second)))
		if got, want := texts(rs...), strings.Join(codes, "|"); got != want {
			t.Fatalf("%s: got %q, want %q", name, got, want)
		}
	})
}

func TestPOSAnyBytesArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rep := rapid.SampledFrom([]POSReport{honeywellReport, spacedReport, newlandReport, microscanReport}).Draw(t, "layout")
		opt := POSOptions{Newland: rep == newlandReport}
		if rep == honeywellReport || rep == microscanReport {
			if rapid.Bool().Draw(t, "descriptor") {
				opt.Report = rep
				opt.Packet = rapid.SampledFrom([]int{0, 8, 16, 64}).Draw(t, "packet")
			}
		}
		codes := rapid.SliceOfN(anyBytes, 1, 4).Draw(t, "codes")
		var want []string
		var rs []Result
		d := NewPOS(opt)
		at := t0
		for _, c := range codes {
			text := strings.TrimRight("x"+string(c), "\r\n\t\x00")
			want = append(want, text)
			for _, p := range posReports(rep, "]C0", text) {
				step := len(p)
				if opt.Packet > 0 {
					step = opt.Packet
				}
				for ; len(p) > 0; p = p[min(step, len(p)):] {
					rs = append(rs, d.Decode(p[:min(step, len(p))], at))
					at = at.Add(time.Duration(rapid.IntRange(0, 499).Draw(t, "ms")) * time.Millisecond)
					if rapid.Bool().Draw(t, "silence") {
						rs = append(rs, d.Decode(nil, at))
					}
				}
			}
		}
		if got := texts(rs...); got != strings.Join(want, "|") {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

// feed gives a decoder arbitrary bytes in arbitrary reads and checks what holds for every decoder.
func feed(t *testing.T, d Decoder, data []byte, step byte) {
	at := t0
	for len(data) > 0 {
		n := min(int(step%67)+1, len(data))
		if data[0] == 0xee {
			d.Lost(at)
		}
		r := d.Decode(bytes.Clone(data[:n]), at)
		data = data[n:]
		at = at.Add(time.Duration(step) * time.Millisecond)
		for _, c := range append(r.Codes, d.Decode(nil, at).Codes...) {
			if c.Text == "" || len(c.Text) > 2*MaxLen {
				t.Errorf("a code of %d bytes", len(c.Text))
			}
		}
	}
}

func FuzzSerial(f *testing.F) {
	f.Add([]byte("280438849930815813\r"), byte(3), byte(0))
	f.Add([]byte("]C0280438849930815813\r\n"), byte(64), byte(3))
	f.Fuzz(func(t *testing.T, data []byte, step, terminator byte) {
		feed(t, newSerial(t, SerialOptions{Terminator: Terminators[int(terminator)%len(Terminators)], Affixes: Affixes{AIM: step&1 == 1}}), data, step)
	})
}

func FuzzSSI(f *testing.F) {
	f.Add(fromScanner(0, 3, "280438849930815813\r"), byte(3))
	f.Add([]byte("\x04\xd0\x00\x00\xff\x2c"), byte(64))
	f.Fuzz(func(t *testing.T, data []byte, step byte) { feed(t, NewSSI(Affixes{}), data, step) })
}

func FuzzKeyboard(f *testing.F) {
	f.Add(bytes.Join(keyReports("us", "2804\r"), nil), byte(7), byte(0), bootKeyboard)
	f.Add(bytes.Join(keyReports("it", "a~`b\r"), nil), byte(8), byte(5), bootKeyboard)
	f.Fuzz(func(t *testing.T, data []byte, step, layout byte, descriptor []byte) {
		feed(t, newKeyboard(t, KeyboardOptions{Layout: Layouts[int(layout)%len(Layouts)], Affixes: Affixes{AIM: step&1 == 1},
			Report: ParseDescriptor(descriptor).KeyReport()}), data, step)
	})
}

func FuzzPOS(f *testing.F) {
	f.Add(posReports(honeywellReport, "]C0", "280438849930815813")[0], byte(63), posDescriptor, byte(0))
	f.Add(posReports(newlandReport, "", "280438849930815813")[0], byte(63), []byte{}, byte(8))
	f.Fuzz(func(t *testing.T, data []byte, step byte, descriptor []byte, packet byte) {
		rep, _ := ParseDescriptor(descriptor).POSReport()
		feed(t, NewPOS(POSOptions{Report: rep, Newland: step&1 == 1, Affixes: Affixes{AIM: step&2 == 2}, Packet: int(packet)}), data, step)
	})
}

func FuzzDescriptor(f *testing.F) {
	f.Add(posDescriptor)
	f.Add(bootKeyboard)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := ParseDescriptor(raw)
		if k := d.KeyReport(); k.Count <= 0 || k.Mods < 0 || k.Keys < 0 {
			t.Errorf("keys %+v", k)
		}
		if p, ok := d.POSReport(); ok && (p.Data+p.DataLen > p.Len || p.Count >= p.Len || p.AIM+3 > p.Len && p.AIM >= 0 || p.More >= p.Len) {
			t.Errorf("a field outside its report: %+v", p)
		}
	})
}

// Reports that were dropped may cost codes; they must never make a wrong one.
func TestLostReportsNeverMakeAWrongCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SliceOfN(printable, 2, 8).Draw(t, "codes")
		var d Decoder
		var reports [][]byte
		var err error
		switch rapid.SampledFrom([]string{"keyboard", "pos", "serial"}).Draw(t, "kind") {
		case "keyboard":
			d, err = NewKeyboard(KeyboardOptions{Terminator: rapid.SampledFrom([]string{"cr", "auto"}).Draw(t, "terminator")})
			reports = keyReports("us", strings.Join(codes, "\r")+"\r")
		case "pos":
			d = NewPOS(POSOptions{Report: honeywellReport})
			for _, c := range codes {
				reports = append(reports, posReports(honeywellReport, "]C0", c)...)
			}
		case "serial":
			d, err = NewSerial(SerialOptions{})
			for _, c := range codes {
				for _, b := range []byte(c + "\r") {
					reports = append(reports, []byte{b})
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		from := rapid.IntRange(0, len(reports)-1).Draw(t, "from")
		upto := rapid.IntRange(from, len(reports)).Draw(t, "to")
		at, next := t0, 0
		for i, p := range reports {
			at = at.Add(time.Millisecond)
			if i == upto && upto > from {
				d.Lost(at)
			}
			if i >= from && i < upto {
				continue
			}
			for _, c := range d.Decode(p, at).Codes {
				for next < len(codes) && codes[next] != c.Text {
					next++
				}
				if next == len(codes) {
					t.Fatalf("%q was never sent", c.Text)
				}
				next++
			}
		}
	})
}
