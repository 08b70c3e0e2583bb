package scanner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cpmd/scanner/decode"
)

// A wire is a driver with one device on simulated time: a serial line that the test writes to.
type wire struct {
	sent chan []byte
	gone chan struct{}
	cfg  decode.SerialOptions
}

func newWire() *wire { return &wire{sent: make(chan []byte, 1000), gone: make(chan struct{})} }

func (w *wire) open() (*link, Status) {
	d, err := decode.NewSerial(w.cfg)
	if err != nil {
		return nil, Status{State: Denied, Advice: err.Error()}
	}
	select {
	case <-w.gone:
		return nil, Status{State: Absent}
	default:
		return &link{handle: w, device: "wire", decoder: d}, Status{}
	}
}

func (w *wire) close() {}

func (w *wire) Read() (arrived, error) {
	timer := time.NewTimer(readWait)
	defer timer.Stop()
	select {
	case p := <-w.sent:
		return piece(p, len(p), nil)
	case <-w.gone:
		return arrived{}, errors.New("gone")
	case <-timer.C:
		return arrived{}, nil
	}
}

func (w *wire) Write([]byte) error { return nil }
func (w *wire) Close() error       { return nil }

// read runs a reader on the wire while do sends, and returns what it told.
func (w *wire) read(do func()) *collector {
	c := newCollector()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		newReader(w).Run(ctx, c)
	}()
	do()
	cancel()
	<-done
	return c
}

func (w *wire) send(text string) { w.sent <- []byte(text) }

// A code that a scanner kept while it was closed comes some time after the opening: it is an earlier customer's.
func TestScansCountOnceTheScannerWasQuiet(t *testing.T) {
	for _, tc := range []struct {
		name  string
		after []time.Duration // when old codes come
		open  time.Duration   // when the first scan may count
	}{
		{"nothing came", nil, time.Second},
		{"at once", []time.Duration{0}, time.Second},
		{"after 150 ms", []time.Duration{150 * time.Millisecond}, 1150 * time.Millisecond},
		{"after 400 ms", []time.Duration{400 * time.Millisecond}, 1400 * time.Millisecond},
		{"again and again", []time.Duration{400 * time.Millisecond, 1300 * time.Millisecond, 2200 * time.Millisecond}, 3200 * time.Millisecond},
		{"in two parts", []time.Duration{900 * time.Millisecond, 1800 * time.Millisecond}, 2800 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWire()
			begin := time.Now()
			c := w.read(func() {
				for i, after := range tc.after {
					time.Sleep(time.Until(begin.Add(after)))
					if text := "280438849930815813\r"; tc.name == "in two parts" {
						w.send([]string{text[:9], text[9:]}[i])
					} else {
						w.send(text)
					}
				}
				time.Sleep(time.Until(begin.Add(tc.open + 200*time.Millisecond)))
				w.send("4006381333931\r")
				time.Sleep(time.Second)
			})
			if got := c.texts(); !slices.Equal(got, []string{"4006381333931"}) {
				t.Errorf("%s: scanned %q", tc.name, got)
			}
			if st := c.statuses[0]; st.State != Open || st.Since.Sub(begin) < tc.open || st.Since.Sub(begin) > tc.open+150*time.Millisecond {
				t.Errorf("%s: %+v after %v, want %v", tc.name, st, st.Since.Sub(begin), tc.open)
			}
		})
	}
}

// A scanner that is never quiet, as one at a busy till, is read all the same in the end; the code that comes just
// then began before.
func TestAScannerThatIsNeverQuietIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		begin := time.Now()
		c := w.read(func() {
			for i := range 60 {
				w.send(string(rune('0'+i/10)) + string(rune('0'+i%10)))
				time.Sleep(100 * time.Millisecond)
				w.send("23456789\r")
				time.Sleep(200 * time.Millisecond)
			}
			time.Sleep(3 * time.Second)
		})
		got := c.texts()
		if len(got) < 20 || len(got) > 30 || got[len(got)-1] != "5923456789" {
			t.Errorf("scanned %q", got)
		}
		for _, text := range got {
			if len(text) != 10 {
				t.Errorf("a part came: %q", text)
			}
		}
		if st := c.statuses[0]; st.State != Open || st.Since.Sub(begin) > calmMost+time.Second {
			t.Errorf("%+v, %v after the opening", st, st.Since.Sub(begin))
		}
	})
}

// What stops in the middle is said, with what to do, until a code comes.
func TestAPartOfACodeIsSaidAndNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		c := w.read(func() {
			time.Sleep(2 * time.Second)
			w.send("2804388499308158")
			time.Sleep(3 * time.Second)
			w.send("13\r")
			time.Sleep(time.Second)
			w.send("280438849930815813\r")
			time.Sleep(time.Second)
		})
		if got := c.texts(); !slices.Equal(got, []string{"280438849930815813"}) {
			t.Errorf("scanned %q", got)
		}
		if len(c.statuses) < 3 || !strings.Contains(c.statuses[1].Advice, "once more") || c.statuses[2].Advice != "" && c.statuses[2].State == Open {
			t.Errorf("statuses %+v", c.statuses)
		}
	})
}

// Bytes that could not wait are told as lost, to what comes after them.
func TestInboxTellsOfWhatItDropped(t *testing.T) {
	b := inbox{ready: make(chan struct{}, 1)}
	big := make([]byte, maxWaiting/2)
	b.put(chunk{data: big})
	b.put(chunk{data: big})
	b.put(chunk{data: []byte("dropped")})
	b.put(chunk{data: []byte("too")})
	if chunks, _ := b.take(); len(chunks) != 2 || chunks[0].lost || chunks[1].lost {
		t.Errorf("%d chunks", len(chunks))
	}
	b.put(chunk{data: []byte("after")})
	b.put(chunk{data: []byte("more")})
	chunks, _ := b.take()
	if len(chunks) != 2 || !chunks[0].lost || chunks[1].lost {
		t.Errorf("the loss is told before %+v", chunks)
	}
	b.put(chunk{data: make([]byte, maxWaiting)}) // what was taken weighs nothing any more
	if chunks, _ = b.take(); len(chunks) != 1 || chunks[0].lost {
		t.Errorf("%d chunks", len(chunks))
	}
}
