//go:build race

package journal

// The race detector makes SQLite ten times slower and has nothing to find in one goroutine: a few steps will do.
const stepsApart = 31
