package main

import (
	"flag"
	"fmt"
	"strings"
)

// A command is one thing that cpmctl does. Its help, its part of the man page and its completion are made from this.
type command struct {
	name    string
	args    []string            // what its arguments are called
	need    []string            // the flags that must be given
	summary string              // one line without a full stop
	about   string              // paragraphs
	exits   [3]string           // what exit codes 0, 1 and 2 mean; empty: it has no such exit
	choices map[string][]string // the values that a flag or argument can have, for completion
	offline bool                // it does not talk to cpmd
	tells   bool                // its exit code is an outcome, which stays where the output cannot be written
	begin   func(fs *flag.FlagSet) action
}

// An action does what a command is for, once its flags are parsed, and returns the exit code.
type action func(t *tool, args []string) (int, error)

// commands are in the order in which the help shows them.
var commands []*command

func init() {
	commands = []*command{
		saleCommand, showCommand, cancelCommand, deliveredCommand, refundCommand, receiptCommand,
		listCommand, totalsCommand, lanesCommand, scanCommand, eventsCommand, watchCommand, pageCommand,
		diagnoseCommand, alarmsCommand, settleCommand, explainCommand, askCommand, resolveCommand, reconcileCommand,
		backupCommand, reloadCommand,
		versionCommand, completionCommand, manCommand,
	}
}

// global are the flags of every command.
var global = []string{"addr", "json", "token-file"}

// parse takes flags before and after the arguments, and exactly the named arguments.
func (c *command) parse(fs *flag.FlagSet, args []string) (values []string, err error) {
	for len(args) > 0 {
		if err := fs.Parse(args); err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if args = fs.Args(); len(args) > 0 {
			values, args = append(values, args[0]), args[1:]
		}
	}
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = f.Value.String() != "" })
	var missing []string
	for _, name := range c.need {
		if !given[name] {
			missing = append(missing, "-"+name)
		}
	}
	switch {
	case len(missing) > 0:
		return nil, fmt.Errorf("%w: %s needs %s: %s", errUsage, c.name, strings.Join(missing, " and "), c.synopsis(fs))
	case len(values) > len(c.args):
		return nil, fmt.Errorf("%w: unexpected argument %q: %s", errUsage, values[len(c.args)], c.synopsis(fs))
	case len(values) < len(c.args):
		return nil, fmt.Errorf("%w: %s is missing: %s", errUsage, c.args[len(values)], c.synopsis(fs))
	}
	return values, nil
}

// synopsis is how the command is written, such as "cpmctl refund [flags] SALE".
func (c *command) synopsis(fs *flag.FlagSet) string {
	words := []string{"cpmctl", c.name}
	for _, name := range c.need {
		words = append(words, "-"+name+" "+valueName(fs.Lookup(name)))
	}
	words = append(words, "[flags]")
	return strings.Join(append(words, c.args...), " ")
}

// valueName is what the help calls a flag's value; empty: it is a switch.
func valueName(f *flag.Flag) string {
	name, _ := flag.UnquoteUsage(f)
	return name
}
