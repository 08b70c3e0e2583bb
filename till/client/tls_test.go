package client_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"cpmd/queue/sale"
	"cpmd/till"
	"cpmd/till/client"
	"cpmd/till/tilltest"
)

// A squatter takes a port, keeps what is sent there, and answers as it likes.
type squatter struct {
	l    net.Listener
	done sync.WaitGroup
	mu   sync.Mutex
	got  bytes.Buffer
}

// squat listens at addr. answer gets each connection; what is read from it is kept.
func squat(t *testing.T, addr string, answer func(net.Conn, io.Reader)) *squatter {
	t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(addr, "tcp:"))
	if err != nil {
		t.Fatal(err)
	}
	s := &squatter{l: l}
	s.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() {
				defer c.Close()
				answer(c, io.TeeReader(c, s))
			})
		}
	})
	t.Cleanup(s.leave)
	return s
}

func (s *squatter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(b)
}

func (s *squatter) heard() string { s.mu.Lock(); defer s.mu.Unlock(); return s.got.String() }

func (s *squatter) leave() { _ = s.l.Close(); s.done.Wait() }

// Whoever has taken cpmd's port learns nothing that is of use to it, and cannot say "paid".
func TestSquatterOfThePortGetsNothing(t *testing.T) {
	// The files that cpmd has left, as over a restart.
	realAddr, tokenFile := tilltest.ServeTCPFile(t, tilltest.NewDesk(), till.DialectHTTP)
	for name, answer := range map[string]func(net.Conn, io.Reader){
		"says paid in plain text": func(c net.Conn, in io.Reader) {
			b := make([]byte, 4096)
			_, _ = in.Read(b)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n"+`{"state":"paid","final":true} `)
		},
		"passes everything on to an endpoint with another certificate": func(c net.Conn, in io.Reader) {
			other := tilltest.ServeTCP(t, tilltest.NewDesk(), till.DialectHTTP)
			relay(c, in, other)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := squat(t, "127.0.0.1:0", answer)
			c := newClient(t, client.Config{Addr: "tcp:" + s.l.Addr().String(), TokenFile: tokenFile})
			v, _, err := c.PutSale(t.Context(), sale.Request{ID: "secret-sale", Amount: 1, Currency: "HKD", AuthCode: "280412345678905813"})
			e, ok := errors.AsType[*client.Unreachable](err)
			if !ok || e.MaybeSent || !strings.Contains(err.Error(), "is not the cpmd of") {
				t.Errorf("%+v %v", v, err)
			}
			s.leave()
			for _, secret := range []string{tilltest.Token, "Bearer", "secret-sale", "280412345678905813"} {
				if strings.Contains(s.heard(), secret) {
					t.Errorf("the squatter was told %q", secret)
				}
			}
		})
	}
	// One that passes everything on to the true cpmd sees but ciphertext, and can change nothing.
	s := squat(t, "127.0.0.1:0", func(c net.Conn, in io.Reader) { relay(c, in, realAddr) })
	c := newClient(t, client.Config{Addr: "tcp:" + s.l.Addr().String(), TokenFile: tokenFile})
	if _, _, err := c.PutSale(t.Context(), sale.Request{ID: "relayed", Amount: 1, Currency: "HKD"}); err != nil {
		t.Error(err)
	}
	c.Close()
	s.leave()
	if heard := s.heard(); len(heard) == 0 || strings.Contains(heard, tilltest.Token) || strings.Contains(heard, "relayed") {
		t.Errorf("the relay read %d bytes, some in plain text", len(heard))
	}
}

func relay(c net.Conn, in io.Reader, addr string) {
	out, err := net.Dial("tcp", strings.TrimPrefix(addr, "tcp:"))
	if err != nil {
		return
	}
	defer out.Close()
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(c, out); _ = c.Close() })
	_, _ = io.Copy(out, in)
	_ = out.Close()
	back.Wait()
}

func TestNoCertificateNothingSent(t *testing.T) {
	addr, tokenFile := tilltest.ServeTCPFile(t, tilltest.NewDesk(), till.DialectHTTP)
	c := newClient(t, client.Config{Addr: addr, TokenFile: tokenFile})
	for _, bad := range []func() error{
		func() error { return os.WriteFile(tokenFile+".crt", []byte("none"), 0o600) },
		func() error { return os.Remove(tokenFile + ".crt") },
	} {
		if err := bad(); err != nil {
			t.Fatal(err)
		}
		_, err := c.Lanes(t.Context())
		if e, ok := errors.AsType[*client.Unreachable](err); !ok || e.MaybeSent || !strings.Contains(err.Error(), "certificate") {
			t.Error(err)
		}
	}
}
