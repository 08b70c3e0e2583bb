package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cpmd/cmd/cpmd/stage"
	"cpmd/queue/sale"
	"cpmd/till/client"
)

// smallDisk mounts one.
func smallDisk(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs the right to mount a small tmpfs: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// fill leaves no room on a disk.
func fill(t *testing.T, dir string) (makeRoom func()) {
	t.Helper()
	filler := filepath.Join(dir, "filler")
	if err := exec.Command("dd", "if=/dev/zero", "of="+filler, "bs=4k").Run(); err == nil {
		t.Fatal("the disk is not full")
	}
	return func() {
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
}

// A real full disk: no new sale is accepted, nothing is sent, and it goes on by itself when there is room.
func TestFullDisk(t *testing.T) {
	data := smallDisk(t)
	st, ctx := setUp(t, stage.Plan{Data: data})
	if _, _, err := st.Till.PutSale(ctx, sale.Request{ID: "a", Amount: 500, Currency: "HKD", Lane: "1"}); err != nil {
		t.Fatal(err)
	}
	makeRoom := fill(t, data)
	// What fits into pages that exist still goes in; then it is refused.
	patient, err := client.New(client.Config{Addr: "unix:" + filepath.Join(filepath.Dir(st.Config()), "till.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer patient.Close()
	_, err = patient.CancelSale(ctx, "a")
	for i := 0; err == nil && i < 500; i++ {
		id := fmt.Sprintf("b%d", i)
		if _, _, err = patient.PutSale(ctx, sale.Request{ID: id, Amount: 500, Currency: "HKD", Lane: "1", Ticket: strings.Repeat("t", 60)}); err == nil {
			_, err = patient.CancelSale(ctx, id)
		}
	}
	var e *client.Error
	if !errors.As(err, &e) || e.Code != sale.JournalUnavailable || !strings.Contains(e.Detail, "Make room") {
		t.Fatalf("got %v", err)
	}
	if b, err := st.Get(ctx, "/readyz"); err != nil || !bytes.Contains(b, []byte("journal_unavailable")) {
		t.Errorf("readyz: %s %v", b, err)
	}
	if l, err := st.Ledger(); err != nil || len(l.Payments) > 0 {
		t.Errorf("%+v %v", l.Payments, err)
	}
	makeRoom()
	// This client asks again while the journal is down (Patience).
	if _, err := st.Till.CancelSale(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if v, err := st.Till.Sale(ctx, fmt.Sprintf("b%d", i)); err == nil && !v.Final {
			if _, err := st.Till.CancelSale(ctx, v.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	pay(ctx, t, st, "after", "280000000000000000", sale.Paid)
}

// patientTiming leaves a sale in confirming for as long as a disk is broken here.
const patientTiming = `scan = "20s"
answer = "2s"
poll = "200ms"
confirm = "40s"
give_up = "60s"
follow_up = ["500ms"]`

// A disk breaks under a payment that is being followed: no new sale is accepted, nothing is sent again, the till is
// told, and once the disk works the payment's true end is found.
func TestDiskBreaksWhileConfirming(t *testing.T) {
	t.Run("full", func(t *testing.T) {
		data := smallDisk(t)
		var makeRoom func()
		breakDisk(t, data, func(*stage.Stage) { makeRoom = fill(t, data) }, func(*stage.Stage) { makeRoom() }) // and it goes on by itself
	})
	t.Run("read-only", func(t *testing.T) {
		data, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
		run := func(name string, args ...string) error {
			out, err := exec.Command(name, args...).CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%s: %w: %s", name, err, out)
			}
			return err
		}
		mount := func() error { return run("mount", "-o", "loop,errors=remount-ro", image, data) }
		if err := errors.Join(os.WriteFile(image, make([]byte, 8<<20), 0o600), run("mkfs.ext4", "-q", image), mount()); err != nil {
			t.Skip("needs mkfs.ext4 and the right to mount a file: ", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(data, unix.MNT_DETACH) })
		breakDisk(t, data, func(*stage.Stage) {
			device, err := exec.Command("findmnt", "-n", "-o", "SOURCE", data).Output()
			if err != nil {
				t.Fatal(err)
			}
			// The kernel believes that the file system is damaged, and lets nobody write any more.
			if err := os.WriteFile(filepath.Join("/sys/fs/ext4", filepath.Base(strings.TrimSpace(string(device))), "trigger_fs_error"), []byte("1"), 0); err != nil {
				t.Skip("this kernel cannot make a disk read-only that is in use: ", err)
			}
		}, func(st *stage.Stage) { // such a disk must be mounted anew
			_ = st.Stop()
			if err := errors.Join(unix.Unmount(data, 0), run("fsck.ext4", "-fp", image)); err != nil && !strings.Contains(err.Error(), "exit status 1") {
				t.Fatal(err)
			}
			if err := errors.Join(mount(), st.Start(), st.Ready(t.Context())); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func breakDisk(t *testing.T, data string, fail, heal func(*stage.Stage)) {
	st, ctx := setUp(t, stage.Plan{Data: data, Lanes: 2, Timing: patientTiming})
	v := pay(ctx, t, st, "a", "280000000000000003", sale.Confirming) // the customer confirms after 5 s
	fail(st)
	curt, err := client.New(client.Config{Addr: "unix:" + filepath.Join(filepath.Dir(st.Config()), "till.sock")})
	if err != nil {
		t.Fatal(err)
	}
	defer curt.Close()
	var e *client.Error
	if _, _, err := curt.PutSale(ctx, sale.Request{ID: "b", Amount: 500, Currency: "HKD", Lane: "2"}); !errors.As(err, &e) || e.Code != sale.JournalUnavailable {
		t.Errorf("a sale on a broken disk: %v", err)
	}
	until(ctx, t, func() bool {
		l, err := st.Ledger()
		return err == nil && len(l.Payments) == 1 && l.Payments[0].Charged == 500
	})
	if b, err := st.Get(ctx, "/readyz"); err != nil || !bytes.Contains(b, []byte("journal_unavailable")) {
		t.Errorf("readyz: %s %v", b, err)
	}
	if now, err := curt.Sale(ctx, "a"); err != nil || now.State != sale.Confirming {
		t.Errorf("the till is told %s %v", now.State, err)
	}
	heal(st)
	for !v.Final {
		if v, err = st.Till.WaitSale(ctx, "a", v.Seq, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	l, err := st.Ledger()
	if err != nil || v.State != sale.Paid || len(l.Payments) != 1 || l.Payments[0].Posts != 1 || l.Payments[0].Charges != 1 {
		t.Errorf("sale %s, payments %+v, %v", v.State, l.Payments, err)
	}
	pay(ctx, t, st, "after", "280000000000010000", sale.Paid)
}

// until polls as long as the test may take.
func until(ctx context.Context, t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
}
