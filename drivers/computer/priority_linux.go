package computer

import "syscall"

// Background makes the calling thread nicest of all, for good. In Linux a nice
// value belongs to a thread (setpriority(2), "C library/kernel differences").
func Background() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) }
