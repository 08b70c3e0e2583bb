package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

var reloadCommand = &command{
	name: "reload", summary: "have cpmd take over a changed configuration",
	about: `What can be changed while sales run is taken over at once, and open sales go on: timing, audit, sales, the log's level, rate_per_minute, the tills' endpoints, and the scanners of lanes. A file with a fault, or with a change that only a restart takes over, is refused as a whole: cpmd says why and goes on with the configuration that it has.

"systemctl reload cpmd" does the same without an answer; the log has it. It needs the permission "resolve".`,
	exits: [3]string{"taken over, or nothing was changed", "refused: everything stays as it was", "not known; reloading again does no harm"},
	begin: func(*flag.FlagSet) action {
		return func(t *tool, _ []string) (int, error) {
			changed, err := t.Reload(t.first)
			if err != nil {
				return failed(err)
			}
			return t.done(0, map[string]any{"changed": changed}, func(w io.Writer) {
				if len(changed) == 0 {
					fmt.Fprintln(w, "Nothing was changed.")
					return
				}
				fmt.Fprintf(w, "Taken over: %s.\n", strings.Join(changed, ", "))
			})
		}
	},
}
