//go:build !race

package journal

const (
	stepsApart    = 1
	breachesApart = 1
)
