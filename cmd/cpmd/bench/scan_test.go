package bench

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // of the loop that commits a row
)

// prepared is longer before the scan than it takes to make a connection ready.
const prepared = 250 * time.Millisecond

// scanToGateway measures from the last byte of the code to the first byte at the gateway, beside two loops that do the
// least that can be done; one after the other, so that all meet the same machine.
func scanToGateway(t *testing.T) []row {
	g := newGateway(t)
	c := newCounter(t, g.url, "")
	c.start()
	bare := newLoop(t, g, func(dir string) func() error {
		f, err := os.Create(filepath.Join(dir, "raw"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return func() error {
			if _, err := f.Write(make([]byte, 200)); err != nil {
				return err
			}
			return unix.Fdatasync(int(f.Fd()))
		}
	})
	lite := newLoop(t, g, func(dir string) func() error {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "lite.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		db.SetMaxOpenConns(1)
		if _, err := db.Exec(`CREATE TABLE code (at TEXT, text TEXT)`); err != nil {
			t.Fatal(err)
		}
		insert, err := db.Prepare(`INSERT INTO code VALUES (?,?)`)
		if err != nil {
			t.Fatal(err)
		}
		return func() error { _, err := insert.Exec(time.Now().String(), strings.Repeat("x", 170)); return err }
	})
	var ours, bareTook, liteTook durations
	for i := range times(100, 15) {
		id := c.open()
		time.Sleep(prepared)
		last := c.scan()
		took := (<-g.first).Sub(last)
		c.paid(id)
		if i < 3 { // a start is not what is measured
			bare.once()
			lite.once()
			continue
		}
		ours, bareTook, liteTook = append(ours, took), append(bareTook, bare.once()), append(liteTook, lite.once())
	}
	figure := func(of durations, p int) string { return ratio(ours.at(p), of.at(p)) + " p" + fmt.Sprint(p) }
	return []row{
		{"last byte of the code to first byte at the gateway, plain HTTP", fmt.Sprintf("pty read, 200 bytes, fdatasync, POST on an open connection: %s p50, %s p99", ms(bareTook.at(50)), ms(bareTook.at(99))),
			"≤ 1.5× p50, ≤ 2× p99", fmt.Sprintf("%s, %s (%s)", figure(bareTook, 50), figure(bareTook, 99), ms(ours.at(50)))},
		{"the same", fmt.Sprintf("the same loop with one row in SQLite instead: %s p50, %s p99", ms(liteTook.at(50)), ms(liteTook.at(99))), "≤ 1.2×",
			fmt.Sprintf("%s, %s", figure(liteTook, 50), figure(liteTook, 99))},
	}
}

// A loop is a program that reads codes from a pty, keeps each, and posts it over a connection that is open.
type loop struct {
	t      *testing.T
	g      *gateway
	master *os.File
	done   chan error
}

func newLoop(t *testing.T, g *gateway, keeper func(dir string) func() error) *loop {
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw(int(slave.Fd())); err != nil {
		t.Fatal(err)
	}
	l := &loop{t: t, g: g, master: master, done: make(chan error, 1)}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		t.Fatal(err)
	}
	keep := keeper(dir)
	t.Cleanup(func() { master.Close(); slave.Close(); os.RemoveAll(dir) })
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		codes, answers := bufio.NewReader(slave), bufio.NewReader(conn)
		for {
			code, err := codes.ReadString('\r')
			if err != nil {
				return
			}
			if err = keep(); err == nil {
				_, err = fmt.Fprintf(conn, "POST /bare HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(code), code)
			}
			for length := ""; err == nil && length != "\r\n"; { // the answer has no body
				length, err = answers.ReadString('\n')
			}
			l.done <- err
		}
	}()
	return l
}

// once is one code's way.
func (l *loop) once() time.Duration {
	l.t.Helper()
	if _, err := io.WriteString(l.master, "280438849930815813\r"); err != nil {
		l.t.Fatal(err)
	}
	last := time.Now()
	took := (<-l.g.first).Sub(last)
	if err := <-l.done; err != nil {
		l.t.Fatal(err)
	}
	return took
}

// roundTrips measures from the scan until the till knows that it is paid, with QFPay 50 ms away behind TLS.
func roundTrips(t *testing.T) []row {
	const trip = 50 * time.Millisecond
	g := newGateway(t)
	url, ca := g.distant(t, trip)
	c := newCounter(t, url, "")
	c.env = []string{"SSL_CERT_FILE=" + ca, "SSL_CERT_DIR=" + t.TempDir()}
	c.start()
	line := pinged(t, trip)
	var known durations
	for i := range times(40, 8) {
		id := c.open()
		time.Sleep(prepared + 4*trip)
		last := c.scan()
		<-g.first
		c.paid(id)
		if i > 1 {
			known = append(known, time.Since(last))
		}
	}
	return []row{{"scan to answer, TLS gateway 50 ms away", "1 round trip on an open connection: " + ms(line), "≤ 1.1 when opened ≥ 200 ms before the scan",
		fmt.Sprintf("%.2f p50, %.2f p99 round trips", float64(known.at(50))/float64(line), float64(known.at(99))/float64(line))}}
}

// pinged is the median time of a byte there and back over the line, on an open connection.
func pinged(t *testing.T, trip time.Duration) time.Duration {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		for {
			conn, err := far.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	near, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	go relay(near, far.Addr().String(), trip)
	conn, err := net.Dial("tcp", near.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var all durations
	for i := range 20 {
		from := time.Now()
		if _, err := conn.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			all = append(all, time.Since(from))
		}
	}
	return all.at(50)
}

// raw has a terminal pass bytes on as they are.
func raw(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, mode)
}
