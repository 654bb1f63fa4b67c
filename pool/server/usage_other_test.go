//go:build !unix

package server_test

import (
	"testing"
	"time"
)

func processor(tb testing.TB) time.Duration {
	tb.Skip("what a process has computed is asked in another way here")
	return 0
}

func needFiles(testing.TB, int) {}
