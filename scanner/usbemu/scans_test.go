package usbemu

import (
	"testing"
	"time"

	"cpmd/scanner/decode"
)

// What the emulated scanners send is what the decoders know the makers' scanners to send.
func TestScansDecode(t *testing.T) {
	var ascii string
	for c := ' '; c <= '~'; c++ {
		ascii += string(c)
	}
	keyboard, err := decode.NewKeyboard(decode.KeyboardOptions{Report: decode.ParseDescriptor(keyboardReport).KeyReport()})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, d decode.Decoder, reports [][]byte) {
		t.Helper()
		var got string
		for _, r := range reports {
			for _, c := range d.Decode(r, time.Time{}).Codes {
				got += c.Text
			}
		}
		if got != ascii {
			t.Errorf("%s: got %q", name, got)
		}
	}
	check("keyboard", keyboard, Keys(ascii+"\r"))
	for name, l := range map[string]Layout{"Honeywell": Honeywell, "Zebra": Zebra, "Newland": Newland, "Microscan": Microscan} {
		desc := decode.ParseDescriptor(l.descriptor)
		if !desc.IsPOS() || desc.OutputLen(4) == 0 {
			t.Errorf("%s: the descriptor is not that of a scanner", name)
		}
		rep, _ := desc.POSReport()
		check(name, decode.NewPOS(decode.POSOptions{Report: rep}), l.Reports("]Q1", ascii))
	}
}
