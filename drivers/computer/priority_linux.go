package computer

import "syscall"

// lowerPriority makes the calling thread nicest of all. In Linux a nice value
// belongs to a thread (setpriority(2), "C library/kernel differences").
func lowerPriority() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19) }
