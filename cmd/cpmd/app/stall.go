//go:build stall

package app

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"cpmd/queue/journal"
)

// A cpmd that is built with the tag stall stops its main loop for ever at the first write after a SIGUSR2, as a disk
// that hangs does: systemd/guest shows that the watchdog notices.
func init() {
	told := make(chan os.Signal, 1)
	signal.Notify(told, unix.SIGUSR2)
	journalOptions = append(journalOptions, journal.WithHooks(journal.Hooks{Before: func(journal.Write) error {
		select {
		case <-told:
			select {}
		default:
			return nil
		}
	}}))
}
