package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"

	"cpmd/till/client"
)

var pageCommand = &command{
	name: "page", summary: "a link that opens the operator's page, or the customer display",
	about: `The link of the page works once, within two minutes, in a browser on this machine; what is done there stands in the journal under the ` +
		`operator's name. That of the display can show what customers see and do nothing else, as often as one likes: ` +
		`chromium --kiosk "$(cpmctl page -display -lane 1)"`,
	exits: [3]string{"printed", "no endpoint has the page or the display; the message says what to configure", ""},
	begin: func(fs *flag.FlagSet) action {
		operator := fs.String("operator", "", "who will use the page: a `NAME` for the journal")
		display := fs.Bool("display", false, "the link of the customer display")
		lane := fs.String("lane", "", "the `LANE` of the display; may be left out where there is one")
		lang := fs.String("lang", "", "the `LANGUAGES` of the display, such as zh-Hant,en; default: the browser's")
		return func(t *tool, _ []string) (int, error) {
			if !*display && *lane+*lang != "" {
				return usagef("-lane and -lang are for -display")
			}
			v, err := t.PageLink(t.first, *operator)
			if err != nil {
				return failed(err)
			}
			if !*display {
				return t.done(0, v, func(w io.Writer) { fmt.Fprintln(w, v.URL) })
			}
			if v.Display, err = displayURL(v, *lane, *lang); err != nil {
				return 1, err
			}
			return t.done(0, map[string]string{"display": v.Display}, func(w io.Writer) { fmt.Fprintln(w, v.Display) })
		}
	},
}

func displayURL(v client.PageLink, lane, lang string) (string, error) {
	if v.Display == "" {
		return "", errors.New(`no endpoint has the customer display: add "display" to allow of a [[till]] with dialect = "http" and listen = "tcp:..."`)
	}
	u, err := url.Parse(v.Display)
	if err != nil {
		return "", err
	}
	q := u.Query()
	for name, value := range map[string]string{"lane": lane, "lang": lang} {
		if value != "" {
			q.Set(name, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
