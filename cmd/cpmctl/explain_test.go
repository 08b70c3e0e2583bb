package main

import (
	"strings"
	"testing"
	"time"

	"cpmd/queue/sale"
)

// A sale that was asked for many times is told in a few lines, and nothing else of it is left out.
func TestStoryFoldsWhatRepeats(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.Local)
	var s sale.Story
	add := func(texts ...string) {
		for _, text := range texts {
			at = at.Add(time.Second)
			s.Lines = append(s.Lines, sale.StoryLine{At: at, Text: text})
		}
	}
	add("asked", "sent", "answered 1143")
	for range 40 {
		add("time", "pending")
	}
	add("time", "paid", "alarm", "alarm", "alarm")
	var b strings.Builder
	tell(&b, s)
	var got []string
	for line := range strings.Lines(b.String()) {
		if _, text, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			got = append(got, text)
		}
	}
	want := "asked|sent|answered 1143|time|pending|... and the same 39 times, the last one here.|time|paid|alarm|... and the same 2 times, the last one here."
	if strings.Join(got[1:], "|") != want {
		t.Errorf("got %s", strings.Join(got, "\n"))
	}
	if !strings.Contains(b.String(), "10:01:23.000  ... and the same 39") {
		t.Errorf("the last one's time is missing:\n%s", b.String())
	}
}
