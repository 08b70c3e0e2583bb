package scanner

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/scanner/decode"
)

// The bytes that the makers' manuals give, all of the temporary kind.
func TestCommandsOfTheMakers(t *testing.T) {
	report4 := decode.ParseDescriptor(posDescriptor)
	for _, tc := range []struct {
		name string
		got  commands
		want map[string]string
	}{
		{"Honeywell serial", serialCommands("honeywell", ""),
			map[string]string{"good": "\x16\x07\r", "on": "\x16\x54\r", "off": "\x16\x55\r", "parting": "\x16\x55\r"}},
		{"Zebra SSI", serialCommands("zebra", "ssi"), map[string]string{
			"good": "\x05\xe6\x04\x00\x00\xff\x11", "bad": "\x05\xe6\x04\x00\x06\xff\x0b",
			"on": "\x04\xe9\x04\x00\xff\x0f", "off": "\x04\xea\x04\x00\xff\x0e", "parting": "\x04\xe9\x04\x00\xff\x0f"}},
		{"Zebra without SSI", serialCommands("zebra", ""), map[string]string{}},
		{"Datalogic serial", serialCommands("datalogic", "plain"), map[string]string{"good": "B", "on": "E", "off": "D", "parting": "E"}},
		{"Newland serial", serialCommands("newland", ""), map[string]string{
			"on": "\x7e\x00\x08\x01\x00\x02\x01\x02\xda", "off": "\x7e\x00\x08\x01\x00\x02\x02\x32\xb9",
			"parting": "\x7e\x00\x08\x01\x00\x02\x02\x32\xb9"}},
		{"Honeywell HID POS", posCommands("honeywell", report4),
			map[string]string{"good": "\x04\x40", "bad": "\x04\x20", "on": "\x04\x04", "off": "\x04\x02", "parting": "\x04\x02"}},
		{"Newland HID POS", posCommands("newland", report4), map[string]string{
			"on": "\x04\x09\x7e\x00\x08\x01\x00\x02\x01\x02\xda", "off": "\x04\x09\x7e\x00\x08\x01\x00\x02\x02\x32\xb9",
			"parting": "\x04\x09\x7e\x00\x08\x01\x00\x02\x02\x32\xb9"}},
		{"a maker whose report 4 nobody knows", posCommands("zebra", report4), map[string]string{}},
		{"Honeywell without report 4", posCommands("honeywell", decode.Descriptor{}), map[string]string{}},
	} {
		got := map[string]string{}
		for name, p := range map[string][]byte{"good": tc.got.beep(true), "bad": tc.got.beep(false), "on": tc.got.arming(true),
			"off": tc.got.arming(false), "parting": tc.got.parting()} {
			if len(p) > 0 {
				got[name] = string(p)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
