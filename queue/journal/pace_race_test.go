//go:build race

package journal

// The race detector makes SQLite ten times slower and has nothing to find in one goroutine: a few will do.
const (
	stepsApart    = 97
	breachesApart = 8
)
