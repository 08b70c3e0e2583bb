package messenger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// commandLimit is how long a command may take.
const commandLimit = 30 * time.Second

// A command is a program that is run with the message on its standard input. No shell reads it, and it inherits nothing:
// cpmd's environment leads to credentials.
type command []string

func (c command) run(ctx context.Context, m Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	p := exec.CommandContext(ctx, c[0], c[1:]...)
	said := &head{}
	p.Stdin, p.Stdout, p.Stderr, p.Dir = bytes.NewReader(append(text, '\n')), said, said, "/"
	p.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "CPMD_ALARM_ID=" + m.ID, "CPMD_ALARM_EVENT=" + m.Event}
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Cancel = func() error { return syscall.Kill(-p.Process.Pid, syscall.SIGKILL) } // with whatever it started
	p.WaitDelay = time.Second                                                        // what has left its group may hold the pipes
	err = p.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return refusal(fmt.Sprintf("%s did not end within %s and was killed%s", c[0], commandLimit, said))
	case errors.As(err, &exit):
		return refusal(fmt.Sprintf("%s: %v%s", c[0], exit.ProcessState, said))
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // it ended well, and left something behind
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no %s", c[0])
	}
	return err
}

// A head keeps the beginning of what a program says.
type head struct{ text []byte }

func (h *head) Write(p []byte) (int, error) {
	const most = 512
	if n := most - len(h.text); n > 0 {
		h.text = append(h.text, p[:min(n, len(p))]...)
	}
	return len(p), nil
}

func (h *head) String() string {
	if s := strings.TrimSpace(string(h.text)); s != "" {
		return fmt.Sprintf(", and said %q", s)
	}
	return ""
}

// A refusal is a failure of one message, which need not be one of the next.
type refusal string

func (r refusal) Error() string { return string(r) }

func isRefusal(err error) bool {
	var r refusal
	return errors.As(err, &r)
}
