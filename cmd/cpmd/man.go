package main

import (
	"fmt"
	"io"
	"strings"

	"cpmd/till"
)

// document writes what a package holds beside the program.
func document(what string, stdout, stderr io.Writer) int {
	text, err := []byte(manual()), error(nil)
	if what == "openapi" {
		text, err = till.OpenAPI()
		text = append(text, '\n')
	}
	if err == nil {
		_, err = stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "cpmd %s: %v\n", what, err)
		return failed
	}
	return 0
}

// manual is the manual page, for man(1). Its commands are those of the help.
func manual() string {
	intro, rest, _ := strings.Cut(usage, "\n\n")
	commands, end, _ := strings.Cut(rest, "\n\n")
	var b strings.Builder
	fmt.Fprintf(&b, ".TH CPMD 8 \"\" \"cpmd %s\" \"cpmd\"\n.SH NAME\ncpmd \\- customer\\-presented payments for a counter\n", roff(version()))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B cpmd\n[\\fIcommand\\fR] [\\fIflags\\fR]\n.SH DESCRIPTION\n%s\n.SH COMMANDS\n", roff(intro))
	for line := range strings.Lines(commands) {
		command, does, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			does = "which one this is"
		}
		fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(command), roff(strings.TrimSpace(does)))
	}
	_, exits, _ := strings.Cut(strings.TrimSpace(end), "Exit codes: ")
	fmt.Fprintf(&b, ".SH EXIT STATUS\n%s\n%s", roff(exits), manualEnd)
	return b.String()
}

const manualEnd = `.SH SIGNALS
.TP
SIGTERM, SIGINT
stop: no new sale is taken, and what is under way is written down. A second one stops at once.
Nothing is lost by that, nor by SIGKILL or a loss of power: the next start follows what is unfinished.
.SH FILES
.TP
/etc/cpmd/cpmd.toml
the configuration
.TP
/etc/cpmd/app_code, /etc/cpmd/client_key
the credentials from QFPay, for root alone; systemd hands them to the service
.TP
/var/lib/cpmd/journal.db
the journal: every sale, payment and refund
.TP
/run/cpmd
the sockets of tills, and the token of TCP addresses
.TP
/usr/share/doc/cpmd
documentation, examples, and the description of the till API
.SH SEE ALSO
.BR cpmctl (1),
.BR systemctl (1),
.BR journalctl (1)
`

// roff protects a text from the formatter.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}
