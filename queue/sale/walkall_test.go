//go:build !race

package sale

const walkAll = true
