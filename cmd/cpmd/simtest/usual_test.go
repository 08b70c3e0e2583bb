//go:build !race

package simtest

import (
	"testing"
	"time"
)

// usual is how many seeds TestSeeds runs by itself, and for how long at most.
func usual() (most int, limit time.Duration) {
	if testing.Short() {
		return 40, 10 * time.Second
	}
	return 500, time.Minute
}

// stride is how many writes TestEveryWrite goes on by.
const stride = 1

// twice is how many seeds TestSameSeedSameHistory runs.
const twice = 8
