package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var completionCommand = &command{
	name: "completion", args: []string{"SHELL"}, offline: true,
	summary: "a script that completes cpmctl's commands and flags in a shell",
	about: `SHELL is bash, zsh or fish. For example:

bash: cpmctl completion bash > /etc/bash_completion.d/cpmctl

zsh: cpmctl completion zsh > "${fpath[1]}/_cpmctl"

fish: cpmctl completion fish > ~/.config/fish/completions/cpmctl.fish`,
	choices: map[string][]string{"SHELL": {"bash", "zsh", "fish"}},
	begin: func(*flag.FlagSet) action {
		return func(t *tool, args []string) (int, error) {
			make, ok := map[string]func(*tool) string{"bash": bash, "zsh": zsh, "fish": fish}[args[0]]
			if !ok {
				return usagef("unknown shell %q; use bash, zsh or fish", args[0])
			}
			return written(t.text(make(t)))
		}
	},
}

// written chooses the exit code of what only writes.
func written(err error) (int, error) {
	if err != nil {
		return exitOutput, fmt.Errorf("the output could not be written: %w", err)
	}
	return 0, nil
}

// words are what can follow a command: its flags, and the values of its arguments.
func (c *command) words(t *tool) []string {
	fs := t.flags(c.name)
	c.begin(fs)
	var words []string
	for _, name := range append(c.own(fs), global...) {
		words = append(words, "-"+name)
	}
	for _, arg := range c.args {
		words = append(words, c.choices[arg]...)
	}
	return words
}

func commandNames() (names []string) {
	for _, c := range commands {
		names = append(names, c.name)
	}
	return append(names, "help")
}

// bash makes a function that finds the command among the words before the cursor.
func bash(t *tool) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion for cpmctl
_cpmctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= word i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-addr|-token-file) i=$((i + 1)) ;;
		-*) ;;
		*) command=$word; break ;;
		esac
	done
	local words=
	case $command,$prev in
	*,-token-file) COMPREPLY=($(compgen -f -- "$cur")); return ;;
`)
	for _, c := range commands {
		for _, name := range slices.Sorted(maps.Keys(c.choices)) {
			if !slices.Contains(c.args, name) {
				fmt.Fprintf(&b, "\t%s,-%s) words=%q ;;\n", c.name, name, strings.Join(c.choices[name], " "))
			}
		}
	}
	fmt.Fprintf(&b, "\t,*) words=%q ;;\n", strings.Join(commandNames(), " "))
	fmt.Fprintf(&b, "\thelp,*) words=%q ;;\n", strings.Join(commandNames(), " "))
	for _, c := range commands {
		fmt.Fprintf(&b, "\t%s,*) words=%q ;;\n", c.name, strings.Join(c.words(t), " "))
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _cpmctl cpmctl\n")
	return b.String()
}

// zsh makes a function for the completion system.
func zsh(t *tool) string {
	var b strings.Builder
	b.WriteString("#compdef cpmctl\n_cpmctl() {\n\tlocal -a commands\n\tcommands=(\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t\t%s\n", quote(c.name+":"+c.summary))
	}
	b.WriteString("\t)\n\tif (( CURRENT == 2 )); then _describe command commands; return; fi\n\tcase $words[2] in\n")
	for _, c := range commands {
		fs := t.flags(c.name)
		c.begin(fs)
		fmt.Fprintf(&b, "\t%s) _arguments", c.name)
		for _, name := range append(c.own(fs), global...) {
			value, usage := flag.UnquoteUsage(fs.Lookup(name))
			usage = strings.NewReplacer("[", "(", "]", ")", ":", ",").Replace(usage)
			spec := "-" + name + "[" + usage + "]"
			switch {
			case value == "":
			case name == "token-file":
				spec += ":file:_files"
			case c.choices[name] != nil:
				spec += ":" + value + ":(" + strings.Join(c.choices[name], " ") + ")"
			default:
				spec += ":" + value + ": "
			}
			b.WriteString(" " + quote(spec))
		}
		for _, arg := range c.args {
			b.WriteString(" " + quote(":"+arg+":("+strings.Join(c.choices[arg], " ")+")"))
		}
		b.WriteString(" ;;\n")
	}
	b.WriteString("\tesac\n}\n_cpmctl \"$@\"\n")
	return b.String()
}

// fish makes a list of rules.
func fish(t *tool) string {
	var b strings.Builder
	b.WriteString("complete -c cpmctl -f\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "complete -c cpmctl -n __fish_use_subcommand -a %s -d %s\n", c.name, quote(c.summary))
		fs := t.flags(c.name)
		c.begin(fs)
		when := quote("__fish_seen_subcommand_from " + c.name)
		for _, name := range append(c.own(fs), global...) {
			value, usage := flag.UnquoteUsage(fs.Lookup(name))
			line := "complete -c cpmctl -n " + when + " -o " + name + " -d " + quote(usage)
			switch {
			case name == "token-file":
				line += " -r -F"
			case c.choices[name] != nil:
				line += " -x -a " + quote(strings.Join(c.choices[name], " "))
			case value != "":
				line += " -x"
			}
			b.WriteString(line + "\n")
		}
		for _, arg := range c.args {
			if len(c.choices[arg]) > 0 {
				fmt.Fprintf(&b, "complete -c cpmctl -n %s -a %s\n", when, quote(strings.Join(c.choices[arg], " ")))
			}
		}
	}
	return b.String()
}

// quote makes one word of a text, for all three shells.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
