package app

import "golang.org/x/sys/unix"

// Harden keeps other programs of the same user out of this process's memory: no core dump, no debugger, and /proc
// shows its environment and files to root alone (PR_SET_DUMPABLE, prctl(2)). Tests, which are looked into, do not
// call it.
func Harden() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
