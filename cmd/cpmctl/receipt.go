package main

import (
	"flag"
	"io"
	"strconv"

	"cpmd/queue/sale"
)

var receiptCommand = &command{
	name: "receipt", args: []string{"ID"},
	summary: "the receipt of a paid sale, ready to print",
	about:   "With -json it prints the same as fields. A sale that is not paid has no receipt.",
	exits:   [3]string{"printed", "", "there is none: the sale is not paid, or not known yet"},
	choices: map[string][]string{"width": {"32", "42"}},
	begin: func(fs *flag.FlagSet) action {
		width := fs.Int("width", sale.WideReceipt, "the `COLUMNS` of the paper: 42 (80 mm) or 32 (58 mm)")
		return func(t *tool, args []string) (int, error) {
			if *width != sale.NarrowReceipt && *width != sale.WideReceipt {
				return usagef("-width must be 32 or 42, not %s", strconv.Itoa(*width))
			}
			v, err := t.Receipt(t.first, args[0], *width)
			if err != nil {
				return failed(err)
			}
			return t.done(0, v, func(w io.Writer) { _, _ = io.WriteString(w, v.Text) })
		}
	},
}
