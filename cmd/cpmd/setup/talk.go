package setup

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A talk is with the person at the terminal, if there is one.
type talk struct {
	in       *os.File
	out      io.Writer
	terminal bool
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

func (t *talk) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// ask returns the answer, or otherwise where it is empty or there is nobody to ask.
func (t *talk) ask(question, otherwise string) (string, error) {
	if !t.terminal {
		return otherwise, nil
	}
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(t.out, question+": ")
	answer, err := t.line()
	if answer == "" {
		answer = otherwise
	}
	return answer, err
}

// secret asks without showing what is typed.
func (t *talk) secret(question string) (string, error) {
	fd := int(t.in.Fd())
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", err
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &quiet); err != nil {
		return "", err
	}
	defer func() {
		_ = unix.IoctlSetTermios(fd, unix.TCSETSF, was)
		fmt.Fprintln(t.out)
	}()
	fmt.Fprint(t.out, question+" (not shown): ")
	return t.line()
}

// yes asks a question whose answer is no unless it begins with y.
func (t *talk) yes(question string) bool {
	if !t.terminal {
		return false
	}
	answer, err := t.ask(question+" y/n", "n")
	return err == nil && strings.HasPrefix(strings.ToLower(answer), "y")
}

// line reads one line, byte by byte: what comes after it belongs to the next question.
func (t *talk) line() (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 4<<10; {
		n, err := t.in.Read(b)
		switch {
		case n == 1 && b[0] == '\n':
			return strings.TrimSpace(string(line)), nil
		case n == 1:
			line = append(line, b[0])
		case err != nil:
			return "", fmt.Errorf("no answer: %w", err)
		}
	}
	return "", fmt.Errorf("the answer is too long")
}
