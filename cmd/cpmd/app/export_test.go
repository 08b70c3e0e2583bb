package app

import "cpmd/queue/journal"

// WithJournalHooks makes daemons that start from now on break as the hooks say, until restore is called.
func WithJournalHooks(h journal.Hooks) (restore func()) {
	journalOptions = []journal.Option{journal.WithHooks(h)}
	return func() { journalOptions = nil }
}
