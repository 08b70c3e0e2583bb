package scanner

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"

	"cpmd/scanner/decode"
)

// A Learned code tells which device a person scanned with.
type Learned struct {
	Candidate Candidate // its Config says what the code ended with
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
		h, e, err := s.listen(c)
		if err != nil {
			trouble(c, err)
			continue
		}
		readers.Go(func() { learnFrom(ctx, c, h, e, found) })
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
func (s Survey) listen(c Candidate) (handle, ear, error) {
	switch {
	case c.Itf.Held():
		return nil, ear{}, errHeld
	case c.Itf.Left():
		return nil, ear{}, errLeft
	}
	switch c.Mode {
	case ModeCOM:
		h, err := openPatiently(c.Itf.TTY)
		if err != nil {
			return nil, ear{}, err
		}
		whole, err := decode.NewSerial(decode.SerialOptions{})
		bare, _ := decode.NewSerial(decode.SerialOptions{Terminator: "none"})
		return h, ear{whole: whole, bare: bare}, err
	case ModePOS, ModeIBMHID:
		rep := decode.IBMReport
		if c.Mode == ModePOS {
			rep, _ = decode.ParseDescriptor(c.Itf.Descriptor).POSReport()
		}
		f, err := os.OpenFile(c.Itf.Raw, os.O_RDONLY|unix.O_NONBLOCK, 0)
		if err != nil {
			return nil, ear{}, err
		}
		return rawHandle{f}, ear{whole: decode.NewPOS(decode.POSOptions{Report: rep, Newland: makerOf(Config{}, c.USB.Vendor) == "newland"})}, nil
	}
	if len(c.Itf.Events) == 0 {
		return nil, ear{}, os.ErrNotExist
	}
	h, err := openEvents(c.Itf.Events, false)
	if err != nil {
		return nil, ear{}, err
	}
	whole, err := decode.NewKeyboard(decode.KeyboardOptions{})
	bare, _ := decode.NewKeyboard(decode.KeyboardOptions{Terminator: "none"})
	return h, ear{whole: whole, bare: bare}, err
}

// openPatiently opens a port. One that was plugged in a moment ago may be in the hands of a service that looks what it
// is, such as ModemManager.
func openPatiently(path string) (h *serialHandle, err error) {
	for begin := time.Now(); ; time.Sleep(lookAgain) {
		h, err = openSerial(path, Config{})
		var pe *serial.PortError
		busy := errors.Is(err, unix.EBUSY) || errors.As(err, &pe) && pe.Code() == serial.PortBusy
		if !busy || time.Since(begin) > patience {
			return h, err
		}
	}
}

// patience is how long a port that is busy is tried again.
const patience = 3 * time.Second

// An ear hears codes with an end and, where the device marks no ends of its own, such as have none.
type ear struct {
	whole, bare decode.Decoder
	unended     decode.Code
}

// hear returns the code that a chunk ended. One without an end is believed only when nothing comes after it, for it
// may be a part.
func (e *ear) hear(c chunk) (code decode.Code, ok bool) {
	if c.lost {
		e.whole.Lost(c.at)
		if e.bare != nil {
			e.bare.Lost(c.at)
		}
	}
	r := e.whole.Decode(c.data, c.at)
	if e.bare != nil {
		if got := e.bare.Decode(c.data, c.at); len(got.Codes) > 0 {
			e.unended = got.Codes[0]
		}
	}
	switch {
	case len(r.Codes) > 0:
		return r.Codes[0], true
	case r.Fault == decode.Unended && e.unended.Text != "":
		return e.unended, true
	}
	return decode.Code{}, false
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

// betweenCodes is the silence after which what comes is the beginning of a code, where listening may have begun in the
// middle of one.
const betweenCodes = 150 * time.Millisecond

// learnFrom reads one candidate until it scans, is unplugged, or another one has.
func learnFrom(ctx context.Context, c Candidate, h handle, e ear, found chan<- Learned) {
	o := startOwner(h)
	defer func() {
		o.letGo()
		<-o.done
	}()
	last, whole := time.Now(), false
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.inbox.ready:
		}
		chunks, ended := o.inbox.take()
		for _, chunk := range chunks {
			code, ok := e.hear(chunk)
			if len(chunk.data) > 0 && !whole {
				last = chunk.at
			}
			if whole = whole || chunk.at.Sub(last) >= betweenCodes; whole && ok {
				l := Learned{Candidate: c, Advice: hint(c.Mode, code.Text)}
				if code.End != "" {
					l.Candidate.Config = strings.TrimSuffix(c.Config, " }") + `, terminator = "` + code.End + `" }`
				}
				if code.End == "none" && l.Advice == "" {
					l.Advice = "Nothing comes after the code. If the scanner can send Enter (CR) after each code, set it to do so and run this again: then it is certain where a code ends."
				}
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
	case m.types() && strings.Trim(text, "!@#$%^&*()") == "":
		return `These look like digits of a French keyboard: set the scanner to a US keyboard, or write layout = "fr".`
	case m.types() && strings.HasPrefix(text, "HqvdufyWm"): // hQVDUFYwM, which EMVCo's codes begin with
		return "Capitals and small letters are swapped: turn that off in the scanner, or write invert_caps = true."
	case m.types() && strings.HasPrefix(text, "hQVDUFZwM"):
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
