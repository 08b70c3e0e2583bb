package main

import (
	"flag"
	"fmt"
	"io"

	"cpmd/queue/sale"
)

var explainCommand = &command{
	name: "explain", args: []string{"ID"},
	summary: "a sale's whole story: what was sent, what came back, how it was judged",
	begin: func(*flag.FlagSet) action {
		return func(t *tool, args []string) (int, error) {
			story, err := t.Story(t.first, args[0])
			if err != nil {
				return failed(err)
			}
			return t.done(0, story, func(w io.Writer) { tell(w, story) })
		}
	},
}

// tell prints a sale's story.
func tell(w io.Writer, s sale.Story) {
	v := s.Sale
	fmt.Fprintf(w, "Sale %s: %s on lane %s", v.ID, money(v.Amount, v.Currency), v.Lane)
	if v.Ticket != "" {
		fmt.Fprintf(w, ", ticket %s", v.Ticket)
	}
	fmt.Fprintf(w, ". It is %s. %s\n", v.State, v.Message)
	for _, p := range v.Payments {
		fmt.Fprintf(w, "  payment %s (syssn %s), code %s: %s\n", p.OutTradeNo, orDash(p.SysSN), p.AuthCode, p.State)
	}
	for _, f := range s.Refunds {
		fmt.Fprintf(w, "  refund %s of %s: %s\n", f.ID, money(f.Amount, f.Currency), f.Message)
	}
	tellLines(w, s.Lines)
	fmt.Fprintf(w, "Next: %s\n", s.Next)
}

const lineTime = "2006-01-02 15:04:05.000"

// tellLines folds what repeats: a payment may be asked for sixty times before the customer confirms.
func tellLines(w io.Writer, lines []sale.StoryLine) {
	for i := 0; i < len(lines); {
		fmt.Fprintf(w, "%s  %s\n", lines[i].At.Local().Format(lineTime), lines[i].Text)
		i++
		for _, span := range []int{1, 2} {
			if n := repeats(lines, i, span); n > 1 {
				i += n * span
				fmt.Fprintf(w, "%s  ... and the same %d times, the last one here.\n", lines[i-1].At.Local().Format(lineTime), n)
			}
		}
	}
}

// repeats counts how often the span of lines before i comes again from i on.
func repeats(lines []sale.StoryLine, i, span int) (n int) {
	if i < span {
		return 0
	}
	for ; i+(n+1)*span <= len(lines); n++ {
		for k := range span {
			if lines[i+n*span+k].Text != lines[i-span+k].Text {
				return n
			}
		}
	}
	return n
}
