//go:build !linux

package server

import (
	"net"
	"time"
)

// giveUpAfter leaves it to the idle limit.
func giveUpAfter(*net.TCPConn, time.Duration) {}
