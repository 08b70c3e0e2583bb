package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

const intro = "cpmctl asks cpmd to collect money, and reports the outcome."

// exitIntro says what the exit codes are in general; each command's help says what they mean there.
const exitIntro = `Exit codes: 0 paid or done, 1 not paid or refused, 2 whenever the outcome may exist and is not known: then do not charge again, and ask "cpmctl show ID" later.`

// help prints what there is, or a command's own help.
func (t *tool) help(name string) (int, error) {
	if name == "" {
		return written(t.text(overview(t.flags("cpmctl"))))
	}
	i := slices.IndexFunc(commands, func(c *command) bool { return c.name == name })
	if i < 0 {
		return usagef("there is no command %q; cpmctl -h lists them", name)
	}
	fs := t.flags(name)
	commands[i].begin(fs)
	return written(t.text(commands[i].help(fs)))
}

// text prints a text for people, whatever -json says.
func (t *tool) text(s string) error {
	_, err := io.WriteString(t.out, s)
	return err
}

func overview(fs *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString(intro + "\n\n")
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range commands {
		fmt.Fprintf(tw, "  cpmctl %s\t%s\n", strings.Join(append([]string{c.name}, c.args...), " "), c.summary)
	}
	_ = tw.Flush()
	b.WriteString("\n\"cpmctl COMMAND -h\" explains a command. With every command:\n")
	writeFlags(&b, fs, global)
	b.WriteString("\n" + wrap(exitIntro, 100) + "\n")
	writeExits(&b, nil)
	return b.String()
}

// help explains the command.
func (c *command) help(fs *flag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n  %s\n", c.name, c.summary, c.synopsis(fs))
	if c.about != "" {
		for _, p := range strings.Split(c.about, "\n\n") {
			b.WriteString("\n" + wrap(p, 100) + "\n")
		}
	}
	b.WriteString("\nFlags:\n")
	writeFlags(&b, fs, append(c.own(fs), global...))
	b.WriteString("\nExit codes:\n")
	writeExits(&b, c)
	return b.String()
}

// own are the names of the command's own flags, those that must be given first.
func (c *command) own(fs *flag.FlagSet) []string {
	names := slices.Clone(c.need)
	fs.VisitAll(func(f *flag.Flag) {
		if !slices.Contains(global, f.Name) && !slices.Contains(c.need, f.Name) {
			names = append(names, f.Name)
		}
	})
	return names
}

func writeFlags(b *strings.Builder, fs *flag.FlagSet, names []string) {
	for _, name := range names {
		f := fs.Lookup(name)
		value, usage := flag.UnquoteUsage(f)
		head := strings.TrimSpace("-" + name + " " + value)
		if len(head) < 18 {
			fmt.Fprintf(b, "  %-18s  %s\n", head, indent(wrap(usage, 78), 22))
		} else {
			fmt.Fprintf(b, "  %s\n%22s%s\n", head, "", indent(wrap(usage, 78), 22))
		}
	}
}

// exit is one exit code and what it means.
type exit struct {
	code int
	text string
}

// exitsOf lists a command's exit codes, or the general ones for nil.
func exitsOf(c *command) (all []exit) {
	if c != nil {
		texts := c.exits
		if texts == [3]string{} {
			texts = [3]string{"done", "", "not known: the answer was lost, or cpmd failed"}
			if c.offline {
				texts[2] = ""
			}
		}
		for code, text := range texts {
			if text != "" {
				all = append(all, exit{code, text})
			}
		}
	}
	for _, e := range exitTexts {
		if c == nil || !(c.offline && e.code == exitUnavailable || c.tells && e.code == exitOutput) {
			all = append(all, e)
		}
	}
	return all
}

func writeExits(b *strings.Builder, c *command) {
	for _, e := range exitsOf(c) {
		fmt.Fprintf(b, "  %-4d%s\n", e.code, indent(wrap(e.text, 90), 6))
	}
}

// wrap breaks a paragraph into lines.
func wrap(s string, width int) string {
	var b strings.Builder
	n := 0
	for _, word := range strings.Fields(s) {
		switch {
		case n == 0:
		case n+1+len(word) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(word)
		n += len(word)
	}
	return b.String()
}

func indent(s string, n int) string { return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n)) }
