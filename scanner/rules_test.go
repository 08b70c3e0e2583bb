package scanner

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The rules give the group cpmd what the program knows as scanners: the advice to install them must help.
func TestRulesHaveEveryListedScanner(t *testing.T) {
	b, err := os.ReadFile("../systemd/70-cpmd-scanner.rules")
	if err != nil {
		t.Fatal(err)
	}
	grants := func(kind, vendorKey, productKey, vendor, product string) bool {
		for line := range strings.Lines(string(b)) {
			lists := func(key, id string) bool {
				return regexp.MustCompile(regexp.QuoteMeta(key) + `=="[^"]*\b` + id + `\b`).MatchString(line)
			}
			if strings.HasPrefix(line, `SUBSYSTEM=="`+kind+`"`) && lists(vendorKey, vendor) &&
				(product == "" && !strings.Contains(line, productKey) || product != "" && lists(productKey, product)) {
				return strings.Contains(line, `GROUP="cpmd", MODE="0660"`) || strings.Contains(line, `ENV{CPMD_SCANNER}="1"`)
			}
		}
		return false
	}
	check := func(vendor, product string) {
		if !grants("usb", "ATTR{idVendor}", "ATTR{idProduct}", vendor, product) {
			t.Errorf("%s:%s has no rule for its USB node", vendor, product)
		}
		if !grants("input", "ATTRS{id/vendor}", "ATTRS{id/product}", vendor, product) {
			t.Errorf("%s:%s has no rule for its input nodes", vendor, product)
		}
	}
	for vendor := range vendors {
		check(vendor, "")
		if !grants("tty", "ATTRS{idVendor}", "ATTRS{idProduct}", vendor, "") {
			t.Errorf("%s has no rule for its ports", vendor)
		}
	}
	for id := range products {
		vendor, product, _ := strings.Cut(id, ":")
		check(vendor, product)
	}
}
