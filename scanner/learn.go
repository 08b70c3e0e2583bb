package scanner

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"cpmd/scanner/decode"
)

// A Learned code tells which device a person scanned with.
type Learned struct {
	Candidate Candidate
	Scan      Scan
	Advice    string // what the code says about the settings; may be empty
}

// Learn waits for a code from any of the candidates and tells which it was. Keyboards and HID POS scanners are
// read beside their drivers, without taking them away from anybody. Serial ports are opened if they are surely
// scanners, or all is set: opening a port may reset what is behind it. Reasons why a candidate could not be read
// go to trouble. ok is false if the context ended first.
func (s Survey) Learn(ctx context.Context, all bool, trouble func(Candidate, error)) (l Learned, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan Learned, 1)
	var readers sync.WaitGroup
	for _, c := range s.Candidates() {
		if c.Config == "" || c.Mode == ModeCOM && !c.Sure && !all {
			continue
		}
		h, d, err := s.listen(c)
		if err != nil {
			trouble(c, err)
			continue
		}
		readers.Go(func() { learnFrom(ctx, c, h, d, found) })
	}
	done := make(chan struct{})
	go func() {
		readers.Wait()
		close(done)
	}()
	select {
	case l = <-found:
		ok = true
	case <-done: // nobody to listen to, or all unplugged
		select {
		case l = <-found:
			ok = true
		default:
		}
	case <-ctx.Done():
	}
	cancel()
	<-done
	return l, ok
}

var (
	errHeld = errors.New("a program has it to itself: if that is the cpmd daemon, stop it for now")
	errLeft = errors.New("no driver has it, perhaps after a crash: run cpmd scanners -release, or plug it in again")
)

// listen opens a candidate in the way that disturbs least.
func (s Survey) listen(c Candidate) (handle, decode.Decoder, error) {
	switch {
	case c.Itf.Held():
		return nil, nil, errHeld
	case c.Itf.Left():
		return nil, nil, errLeft
	}
	switch c.Mode {
	case ModeCOM:
		h, err := openSerial(c.Itf.TTY, 9600)
		if err != nil {
			return nil, nil, err
		}
		d, err := decode.NewSerial(decode.SerialOptions{})
		return h, d, err
	case ModePOS:
		desc := decode.ParseDescriptor(c.Itf.Descriptor)
		rep, _ := desc.POSReport()
		f, err := openShared(c.Itf.Raw)
		if err != nil {
			return nil, nil, err
		}
		return rawHandle{f}, decode.NewPOS(decode.POSOptions{Report: rep, Newland: makerOf(Config{}, c.USB.Vendor) == "newland"}), nil
	}
	if len(c.Itf.Events) == 0 {
		return nil, nil, os.ErrNotExist
	}
	d, err := decode.NewKeyboard(decode.KeyboardOptions{})
	if err != nil {
		return nil, nil, err
	}
	h, err := openEvents(c.Itf.Events[0])
	if err != nil {
		return nil, nil, err
	}
	return h, d, nil
}

// A rawHandle reads the kernel's hidraw node, which does not take reports away from anybody.
type rawHandle struct{ file *os.File }

func (h rawHandle) Read() (arrived, error) {
	h.file.SetReadDeadline(time.Now().Add(readWait))
	p := make([]byte, 1024)
	n, err := h.file.Read(p)
	if os.IsTimeout(err) {
		err = nil
	}
	return piece(p, n, err)
}

func (rawHandle) Write([]byte) error { return os.ErrInvalid }

func (h rawHandle) Close() error { return h.file.Close() }

// learnFrom reads one candidate until it scans, is unplugged, or another one has.
func learnFrom(ctx context.Context, c Candidate, h handle, d decode.Decoder, found chan<- Learned) {
	o := startOwner(h)
	defer func() {
		close(o.stop)
		<-o.done
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.inbox.ready:
		}
		chunks, ended := o.inbox.take()
		for _, chunk := range chunks {
			for _, code := range d.Decode(chunk.data, chunk.at).Codes {
				l := Learned{Candidate: c, Advice: hint(c.Mode, code.Text)}
				if l.Candidate.Sure = true; c.State == Open { // it scans, so it is no keyboard
					l.Candidate.Advice = betterMode(c.USB.Vendor, c.Mode)
				}
				l.Scan = Scan{Text: Text(code.Text), Symbology: code.Symbology, Device: c.Itf.Path, At: code.At}
				select {
				case found <- l:
				default:
				}
				return
			}
		}
		if ended {
			return
		}
	}
}

// hint tells what a decoded text says about the settings of the scanner.
func hint(m Mode, text string) string {
	switch {
	case m == ModeKeyboard && strings.Trim(text, "!@#$%^&*()") == "":
		return `These look like digits of a French keyboard: set the scanner to a US keyboard, or write layout = "fr".`
	case m == ModeKeyboard && strings.HasPrefix(text, "HqvdufyWm"): // hQVDUFYwM, which EMVCo's codes begin with
		return "Capitals and small letters are swapped: turn that off in the scanner, or write invert_caps = true."
	case m == ModeKeyboard && strings.HasPrefix(text, "hQVDUFZwM"):
		return `Y and Z are swapped, as on a German keyboard: set the scanner to a US keyboard, or write layout = "de".`
	case len(text) > 3 && text[0] == ']':
		if id, _ := decode.SplitAIM(text); id != "" {
			return "The code begins with an AIM identifier (]" + id + "): write aim = true."
		}
	}
	return ""
}

// Masked returns a text for a person to see: in full, unless it looks like a payment code.
func (t Text) Masked() string {
	s := string(t)
	digits := strings.Trim(s, "0123456789") == ""
	if len(s) >= 16 && (digits || len(s) > 48 || strings.HasPrefix(s, "hQVDUFY")) {
		return s[:4] + strings.Repeat("*", min(len(s)-8, 16)) + s[len(s)-4:]
	}
	return s
}
