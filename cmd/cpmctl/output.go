package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"golang.org/x/sys/unix"
)

// sayf writes a line for people, on standard error.
func (t *tool) sayf(format string, args ...any) { t.err.say(fmt.Sprintf(format, args...)) }

// print writes an answer in one piece: as JSON if asked, else as human does.
func (t *tool) print(v any, human func(w io.Writer)) error {
	var b bytes.Buffer
	if t.json {
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return err
		}
	} else {
		human(&b)
	}
	t.err.clear()
	if _, err := t.out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("the output could not be written: %w", err)
	}
	return nil
}

// done prints and chooses the exit code. A lost output is no success; but an exit code that tells something stays.
func (t *tool) done(exit int, v any, human func(w io.Writer)) (int, error) {
	err := t.print(v, human)
	if err != nil && exit == 0 {
		exit = exitOutput
	}
	return exit, err
}

// table prints rows under a heading, in columns.
func table(heading string, fill func(row func(...any))) func(io.Writer) {
	return func(w io.Writer) {
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(tw, heading)
		fill(func(cells ...any) {
			for i, c := range cells {
				cells[i] = orDash(fmt.Sprint(c))
			}
			fmt.Fprintf(tw, strings.Repeat("%v\t", len(cells)-1)+"%v\n", cells...)
		})
		_ = tw.Flush()
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// count writes a number with its noun: "1 sale", "2 sales".
func count[N int | int64](n N, one string) string {
	switch {
	case n == 1:
		return fmt.Sprintf("%d %s", n, one)
	case strings.HasSuffix(one, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(one, "y"))
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Colours, as SGR parameters of a terminal.
const (
	green  = "32"
	red    = "31"
	yellow = "33"
)

// colour paints text where the output is a terminal that may have colour.
func (t *tool) colour(sgr, text string) string {
	if !t.paint || sgr == "" {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
