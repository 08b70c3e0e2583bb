package setup

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/creack/pty"
)

// onSay calls a function when something is said.
type onSay func()

func (f onSay) Write(p []byte) (int, error) { f(); return len(p), nil }

// A keyboard scanner that is being learned types into setup's own terminal: the code is neither shown there nor left for
// the next question, or for the shell.
func TestLearnedCodesStayOutOfTheTerminal(t *testing.T) {
	person, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer person.Close()
	defer terminal.Close()
	ctx, cancel := context.WithCancel(t.Context())
	s := &setup{scannerIs: "learn", talk: talk{in: terminal, out: onSay(sync.OnceFunc(func() { // as soon as it says that a code should be scanned
		_, _ = person.WriteString("280438849930815813\n")
		cancel()
	}))}}
	if found, err := s.findScanner(ctx); err == nil {
		t.Errorf("found %q where no scanner is", found)
	}
	_, _ = person.WriteString("next answer\n")
	line := make([]byte, 100)
	if n, err := terminal.Read(line); string(line[:n]) != "next answer\n" || err != nil {
		t.Errorf("the next question hears %q, %v", line[:n], err)
	}
	if n, err := person.Read(line); strings.Contains(string(line[:n]), "2804") || err != nil {
		t.Errorf("the terminal shows %q, %v", line[:n], err)
	}
}
