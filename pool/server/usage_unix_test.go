//go:build unix

package server_test

import (
	"syscall"
	"testing"
	"time"
)

// processor is the time that this process has computed.
func processor(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// needFiles skips where a process may not have so many open files. The Go
// runtime has raised the limit as far as it goes.
func needFiles(tb testing.TB, n int) {
	tb.Helper()
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		tb.Fatal(err)
	}
	if int(min(l.Cur, 1<<30)) < n {
		tb.Skipf("needs %d open files, and %d are allowed (ulimit -n)", n, l.Cur)
	}
}
