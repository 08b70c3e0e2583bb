package usb

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes files under a root; a value that begins with "->" makes a link.
func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if len(content) > 2 && content[:2] == "->" {
			err = os.Symlink(content[2:], path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

const devices = "sys/bus/usb/devices/"

func TestDevices(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{
		devices + "usb1/idVendor":                                                "1d6b\n",
		devices + "1-2/idVendor":                                                 "05e3\n", // a hub
		devices + "1-2/bDeviceClass":                                             "09\n",
		devices + "1-2.4/idVendor":                                               "05F9\n",
		devices + "1-2.4/idProduct":                                              "2216\n",
		devices + "1-2.4/busnum":                                                 "1\n",
		devices + "1-2.4/devnum":                                                 "12\n",
		devices + "1-2.4/serial":                                                 "G14 \n",
		devices + "1-2.4/manufacturer":                                           "Datalogic\n",
		devices + "1-2.4/product":                                                "QuickScan\n",
		devices + "1-2.4/1-2.4:1.0/bInterfaceNumber":                             "00\n",
		devices + "1-2.4/1-2.4:1.0/bInterfaceClass":                              "03\n",
		devices + "1-2.4/1-2.4:1.0/bInterfaceSubClass":                           "01\n",
		devices + "1-2.4/1-2.4:1.0/bInterfaceProtocol":                           "01\n",
		devices + "1-2.4/1-2.4:1.0/driver":                                       "->../../usbhid",
		devices + "1-2.4/1-2.4:1.0/ep_81/type":                                   "Interrupt\n",
		devices + "1-2.4/1-2.4:1.0/ep_81/wMaxPacketSize":                         "0008\n",
		devices + "1-2.4/1-2.4:1.0/0003:05F9:2216.0003/report_descriptor":        "\x05\x01",
		devices + "1-2.4/1-2.4:1.0/0003:05F9:2216.0003/input/input4/event2/dev":  "",
		devices + "1-2.4/1-2.4:1.0/0003:05F9:2216.0003/input/input4/event10/dev": "",
		devices + "1-2.4/1-2.4:1.0/0003:05F9:2216.0003/hidraw/hidraw0/dev":       "",
		devices + "1-3/idVendor":                                                 "0403\n", // a converter
		devices + "1-3/idProduct":                                                "6001\n",
		devices + "1-3/1-3:1.0/bInterfaceClass":                                  "ff\n",
		devices + "1-3/1-3:1.0/ttyUSB0/tty/ttyUSB0/dev":                          "",
		devices + "1-4/idVendor":                                                 "0536\n", // a COM port, and an interface that is leaving
		devices + "1-4/idProduct":                                                "02e1\n",
		devices + "1-4/1-4:1.0/bInterfaceClass":                                  "02\n",
		devices + "1-4/1-4:1.0/tty/ttyACM1/dev":                                  "",
		devices + "1-4/1-4:1.1/bInterfaceClass":                                  "03\n",
		devices + "1-4/1-4:1.2/bInterfaceClass":                                  "03\n", // only OUT
		devices + "1-4/1-4:1.2/bNumEndpoints":                                    "01\n",
		devices + "1-4/1-4:1.2/ep_01/type":                                       "Interrupt\n",
		devices + "1-5/nothing-yet":                                              "",
	})
	got := Root(root).Devices(nil)
	want := []Device{
		{Port: "1-2.4", Vendor: "05f9", Product: "2216", Serial: "G14", Manufacturer: "Datalogic", Name: "QuickScan",
			Node: filepath.Join(root, "dev/bus/usb/001/012"),
			Interfaces: []Interface{{Path: "1-2.4:1.0", Class: 3, SubClass: 1, Protocol: 1, Driver: "usbhid", Packet: 8, Descriptor: []byte{5, 1},
				Events: []string{filepath.Join(root, "dev/input/event2"), filepath.Join(root, "dev/input/event10")}, Raw: filepath.Join(root, "dev/hidraw0")}}},
		{Port: "1-3", Vendor: "0403", Product: "6001", Node: filepath.Join(root, "dev/bus/usb/000/000"),
			Interfaces: []Interface{{Path: "1-3:1.0", Class: 0xff, TTY: filepath.Join(root, "dev/ttyUSB0")}}},
		{Port: "1-4", Vendor: "0536", Product: "02e1", Node: filepath.Join(root, "dev/bus/usb/000/000"),
			Interfaces: []Interface{{Path: "1-4:1.0", Class: 2, TTY: filepath.Join(root, "dev/ttyACM1")}, {Path: "1-4:1.1", Class: 3}, {Path: "1-4:1.2", Class: 3, Mute: true}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
	if !got[2].Interfaces[1].Left() || got[0].Interfaces[0].Left() || got[0].Interfaces[0].Held() {
		t.Error("who has an interface is told wrongly")
	}
	one := Root(root).Devices(func(d Device) bool { return d.Vendor == "05f9" && d.Serial == "G14" })
	if len(one) != 1 || one[0].Port != "1-2.4" {
		t.Errorf("matched %+v", one)
	}
	if got := Root(t.TempDir()).Devices(nil); len(got) != 0 {
		t.Errorf("without USB: %+v", got)
	}
}
