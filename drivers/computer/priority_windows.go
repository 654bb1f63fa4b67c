package computer

import "syscall"

// Background lets the calling thread run only when no other wants to
// (SetThreadPriority, THREAD_PRIORITY_IDLE).
func Background() {
	const currentThread, idle = ^uintptr(1), ^uintptr(14) // pseudo-handle -2; -15
	set := syscall.NewLazyDLL("kernel32.dll").NewProc("SetThreadPriority")
	if set.Find() == nil {
		_, _, _ = set.Call(currentThread, idle)
	}
}
