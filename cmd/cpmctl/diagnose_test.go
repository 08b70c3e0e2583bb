package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cpmd/queue/sale"
)

// Advice is said once for each cause, however many sales it hits.
func TestAdviceByCause(t *testing.T) {
	const rejected, twice = "QFPay rejects this merchant's configuration", "the customer was charged twice"
	d := sale.Diagnosis{Ready: true}
	for i, id := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		d.Alarms = append(d.Alarms, sale.AlarmView{Seq: int64(20 - i), Kind: "sale", ID: id, What: rejected})
	}
	d.Alarms = append(d.Alarms, sale.AlarmView{Seq: 3, Kind: "sale", ID: "x", What: twice})
	d.Advice = append(sale.Advice(d), "check the network", "check the network")
	want := []string{
		"check the network",
		"alarms 20, 19, 18, 17, 16 and 2 more, sale a, sale b, sale c, sale d, sale e and 2 more: " + rejected,
		"alarm 3, sale x: " + twice,
	}
	if diff := cmp.Diff(want, toDo(d)); diff != "" {
		t.Errorf("to do (-want +got):\n%s", diff)
	}
	if got := toDo(sale.Diagnosis{Ready: true}); len(got) > 0 {
		t.Errorf("all is well, but: %q", got)
	}
}

func TestPlurals(t *testing.T) {
	got := []string{count(0, "sale"), count(1, "sale"), count(2, "sale"), count(1, "entry"), count(3, "entry"), count(2, "paid sale")}
	if want := []string{"0 sales", "1 sale", "2 sales", "1 entry", "3 entries", "2 paid sales"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
