package scanner

import (
	"context"
	"sync"
	"time"

	"cpmd/scanner/decode"
)

const (
	settle    = 600 * time.Millisecond // a device that just appeared may refuse that long: udev has yet to set its rights
	retryMost = time.Second            // between tries to open one that is there and refuses
	steady    = 2 * time.Second        // one that fails sooner, again and again without being unplugged, is tried less often
	calm      = time.Second            // how long a device must be open and silent before its scans count
	calmMost  = 10 * time.Second       // a device that is never silent that long is read all the same
	letGo     = 200 * time.Millisecond // how long a lost handle is waited for before looking again

	// A reading session ends by itself: after a code at Honeywell and Newland, after 30 s (Honeywell 2020 user guide,
	// Read Time-Out) or a few. While armed it is begun anew this often.
	rearm = 2 * time.Second
)

// A driver finds and opens one configured device.
type driver interface {
	// open returns the open device, or nil and a status that says why not.
	open() (*link, Status)
	// close frees what the driver holds beyond its handles.
	close()
}

// A link is an open device with all that is needed to talk with it.
type link struct {
	handle
	device   string
	decoder  decode.Decoder
	commands commands
}

// A reader is the life of one device.
type reader struct {
	driver driver

	mu    sync.Mutex
	owner *owner // nil while not open
	cmds  commands
	arm   bool // wanted by Arm
	told  bool // Arm was called; until then the device is left as it is
}

func newReader(d driver) *reader { return &reader{driver: d} }

func (r *reader) Run(ctx context.Context, sink Sink) {
	var (
		t        = teller{sink: sink}
		owners   sync.WaitGroup // handles that are still closing
		appeared time.Time      // when a device that refuses was first seen
		wait     = lookAgain
		short    int // sessions that ended at once, one after the other
		watch    *plugWatch
	)
	defer func() { watch.close() }()
	defer r.driver.close()
	defer owners.Wait()
	for ctx.Err() == nil {
		l, st := r.driver.open()
		switch {
		case l != nil:
			watch.close()
			watch = nil
			begin := time.Now()
			o := r.begin(l, &owners)
			r.read(ctx, o, l, sink, &t)
			r.finish(o, ctx.Err() != nil)
			if ctx.Err() == nil {
				t.tell(Status{State: Lost, Device: l.device, Advice: "The scanner was unplugged or lost power: plug it in again."})
			}
			appeared, wait = time.Time{}, lookAgain
			if short++; time.Since(begin) > steady {
				short = 0
			}
			if short > 5 {
				wait = retryMost
			}
		case st.State == Absent:
			if t.status.State != Lost {
				t.tell(st)
			}
			appeared, wait, short = time.Time{}, lookAgain, 0
			if watch == nil { // what comes before the next look is not missed
				watch = newPlugWatch(r.driver)
			} else {
				watch.wait(ctx)
			}
			continue
		default:
			if appeared.IsZero() {
				appeared = time.Now()
			}
			if time.Since(appeared) >= settle {
				t.tell(st)
				wait = min(2*wait, retryMost)
			}
		}
		sleep(ctx, wait)
	}
}

// begin makes the link's owner the current one.
func (r *reader) begin(l *link, owners *sync.WaitGroup) *owner {
	o := startOwner(l.handle)
	owners.Add(1)
	go func() {
		<-o.done
		owners.Done()
	}()
	for _, p := range l.commands.start {
		o.order(p)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owner, r.cmds = o, l.commands
	if r.told {
		o.attend(r.arm || l.commands.armed)
		if l.commands.armed {
			o.order(r.cmds.arming(r.arm))
		}
	}
	return o
}

// finish forgets the owner and tells it to let go, for good or because the device is gone. It waits for it only a
// moment: the kernel may need seconds, and the device may be back before.
func (r *reader) finish(o *owner, good bool) {
	r.mu.Lock()
	if good && r.cmds.armed && r.told {
		o.parting = r.cmds.parting()
	}
	r.owner = nil
	r.mu.Unlock()
	o.letGo()
	timer := time.NewTimer(letGo)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	}
}

// read decodes what the owner reads until the device is gone or the context ends.
//
// What arrives before the device was open and silent for a while was scanned before, by a scanner that kept it: it
// is nobody's, for it may be an earlier customer's. Some keep it for half a second after the port is open.
func (r *reader) read(ctx context.Context, o *owner, l *link, sink Sink, t *teller) {
	begin, ready := time.Now(), false
	last := begin // when something came
	var again <-chan time.Time
	if l.commands.armed && !l.commands.lasting {
		ticker := time.NewTicker(rearm)
		defer ticker.Stop()
		again = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			r.rearm()
			continue
		case <-o.inbox.ready:
		}
		chunks, ended := o.inbox.take()
		for _, c := range chunks {
			if c.lost {
				l.decoder.Lost(c.at)
			}
			res := l.decoder.Decode(c.data, c.at)
			o.order(res.Reply)
			if !ready {
				if len(c.data) > 0 {
					last = c.at
				}
				switch {
				case c.at.Sub(last) >= calm:
				case c.at.Sub(begin) >= calmMost:
					l.decoder.Lost(c.at) // what is coming began before
				default:
					continue
				}
				ready = true
				t.tell(Status{State: Open, Device: l.device}) // from here on a beep reaches it, and scans count
				continue
			}
			for _, code := range res.Codes {
				sink.Scanned(Scan{Text: Text(code.Text), Symbology: code.Symbology, Device: l.device, At: code.At})
			}
			switch {
			case c.lost:
				t.tell(Status{State: Open, Device: l.device, Advice: "This machine was too busy to read the scanner in time: scan the code again. If it happens often, close what is loading this machine."})
			case len(res.Codes) > 0:
				t.tell(Status{State: Open, Device: l.device})
			case res.Fault != decode.NoFault:
				t.tell(Status{State: Open, Device: l.device, Advice: faultAdvice[res.Fault]})
			}
		}
		if ended {
			return
		}
	}
}

var faultAdvice = map[decode.Fault]string{
	decode.Typed:    "The keys come as slowly as a person types: this is a keyboard, not a scanner. Name the scanner in the configuration (cpmd scanners -learn shows it).",
	decode.TooLong:  "Something much longer than a payment code came: check the scanner's terminator and baud rate.",
	decode.Damaged:  "Damaged data came: scan the code again. If it happens often, check the cable, and the scanner's protocol, baud rate and parity.",
	decode.Unended:  "A code came incomplete, or without an end: scan the same code once more. If it happens with every code, set the scanner to send Enter (CR) after each code, or write terminator = \"none\".",
	decode.Unframed: "A code came without the prefix or suffix of the configuration, and was dropped: set the scanner to send it, or remove prefix and suffix.",
	decode.Unknown:  "A key came that the keyboard layout does not have, so its code was dropped: set scanner and configuration (layout) to the same layout.",
}

// Beep asks for the good-read or the error sound.
func (r *reader) Beep(good bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owner != nil {
		r.owner.order(r.cmds.beep(good))
	}
}

// Arm lets the device read codes or stops it, where the configuration asks for that.
func (r *reader) Arm(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arm, r.told = on, true
	if r.owner == nil {
		return
	}
	r.owner.attend(on || r.cmds.armed)
	if r.cmds.armed {
		r.owner.order(r.cmds.arming(on))
	}
}

// rearm begins a new reading session, where the maker's end by themselves.
func (r *reader) rearm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.owner != nil && r.cmds.armed && r.arm && !r.cmds.lasting {
		r.owner.order(r.cmds.arming(true))
	}
}

// A teller passes on what is new.
type teller struct {
	sink   Sink
	status Status
}

func (t *teller) tell(s Status) {
	if s.State == t.status.State && s.Device == t.status.Device && s.Advice == t.status.Advice {
		return
	}
	s.Since = time.Now()
	if s.State == t.status.State {
		s.Since = t.status.Since
	}
	t.status = s
	t.sink.StatusChanged(s)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
