package computer

import "syscall"

// Background puts the calling thread in the background (setpriority(2) of
// macOS, PRIO_DARWIN_THREAD and PRIO_DARWIN_BG).
func Background() { _ = syscall.Setpriority(3, 0, 0x1000) }
