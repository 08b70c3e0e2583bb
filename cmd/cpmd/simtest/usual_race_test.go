//go:build race

package simtest

import "time"

// usual is how many seeds TestSeeds runs by itself, and for how long at most, under the race detector.
func usual() (most int, limit time.Duration) { return 60, 20 * time.Second }

// stride is how many writes TestEveryWrite goes on by.
const stride = 40

// twice is how many seeds TestSameSeedSameHistory runs.
const twice = 1
