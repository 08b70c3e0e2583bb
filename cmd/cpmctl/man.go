package main

import (
	"flag"
	"fmt"
	"strings"
)

var manCommand = &command{
	name: "man", offline: true,
	summary: "the manual page, for man(1)",
	about:   `For example: cpmctl man > /usr/local/share/man/man1/cpmctl.1`,
	begin: func(*flag.FlagSet) action {
		return func(t *tool, _ []string) (int, error) { return written(t.text(t.manual())) }
	},
}

// manual is the manual page, made from the same texts as the help.
func (t *tool) manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH CPMCTL 1 \"\" \"cpmd %s\" \"cpmd\"\n.SH NAME\ncpmctl \\- collect money through cpmd from a shell\n", roff(version()))
	b.WriteString(".SH SYNOPSIS\n.B cpmctl\n[\\fIflags\\fR] \\fIcommand\\fR [\\fIarguments\\fR]\n.SH DESCRIPTION\n" + roff(intro) + "\n.SH COMMANDS\n")
	for _, c := range commands {
		fs := t.flags(c.name)
		c.begin(fs)
		fmt.Fprintf(&b, ".SS %s\n.B %s\n.PP\n%s.\n", roff(c.name), roff(c.synopsis(fs)), roff(upper(c.summary)))
		if c.about != "" {
			for _, p := range strings.Split(c.about, "\n\n") {
				b.WriteString(".PP\n" + roff(p) + "\n")
			}
		}
		roffFlags(&b, fs, c.own(fs))
		b.WriteString(".PP\nExit codes:\n")
		for _, e := range exitsOf(c) {
			fmt.Fprintf(&b, ".TP 4\n%d\n%s\n", e.code, roff(e.text))
		}
	}
	b.WriteString(".SH OPTIONS\nWith every command:\n")
	roffFlags(&b, t.flags("cpmctl"), global)
	b.WriteString(".SH EXIT STATUS\n" + roff(exitIntro) + "\n")
	b.WriteString(".SH ENVIRONMENT\n.TP\nCPMD_ADDR\nwhere cpmd listens\n.TP\nCPMD_TOKEN_FILE\nthe file with its token\n" +
		".TP\nNO_COLOR\nif it is not empty, the output has no colour; it never has where it is not a terminal\n")
	return b.String()
}

func roffFlags(b *strings.Builder, fs *flag.FlagSet, names []string) {
	for _, name := range names {
		value, usage := flag.UnquoteUsage(fs.Lookup(name))
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR", roff("-"+name))
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
		}
		fmt.Fprintf(b, "\n%s\n", roff(usage))
	}
}

// roff protects a text from the formatter.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
