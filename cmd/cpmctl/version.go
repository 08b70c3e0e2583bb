package main

import (
	"flag"
	"fmt"
	"io"
	"runtime/debug"
)

// release is set by the package build.
var release string

var versionCommand = &command{
	name: "version", summary: "the versions of cpmctl and of the cpmd that it reaches",
	begin: func(*flag.FlagSet) action {
		return func(t *tool, _ []string) (int, error) {
			v := map[string]string{"cpmctl": version()}
			d, err := t.Diagnosis(t.first)
			if err == nil {
				v["cpmd"] = d.Version
			}
			return t.done(0, v, func(w io.Writer) {
				fmt.Fprintf(w, "cpmctl %s\n", v["cpmctl"])
				if err != nil {
					fmt.Fprintf(w, "cpmd at %s: no answer\n", t.addr)
					return
				}
				fmt.Fprintf(w, "cpmd %s at %s\n", d.Version, t.addr)
			})
		}
	},
}

func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return "devel-" + s.Value[:12]
			}
		}
	}
	return "devel"
}
