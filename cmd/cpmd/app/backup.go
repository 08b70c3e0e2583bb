package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"cpmd/queue/journal"
	"cpmd/queue/sale"
)

// backups make copies of the journal beside it, one at a time; each is gone from the disk when it is closed.
type backups struct {
	mu      sync.Mutex
	journal string
}

// newBackups clears away what an earlier process left in the middle.
func newBackups(journal string) *backups {
	b := &backups{journal: journal}
	_ = os.Remove(b.place())
	return b
}

func (b *backups) place() string { return b.journal + ".backup" }

func (b *backups) make(ctx context.Context) (io.ReadSeekCloser, error) {
	if !b.mu.TryLock() {
		return nil, &sale.Error{Code: sale.GatewayUnavailable, Detail: "a backup is being made already; try again when it is done"}
	}
	defer b.mu.Unlock()
	defer func() { _ = os.Remove(b.place()) }() // an open file stays until it is closed
	if err := journal.Backup(ctx, b.journal, b.place()); err != nil {
		return nil, &sale.Error{Code: sale.JournalUnavailable, Detail: fmt.Sprintf("the backup could not be made: %v", err)}
	}
	return os.Open(b.place())
}
