//go:build !unix

package server

import "net"

// attempt would write to a socket without waiting. Where sockets do not work
// like that, everything goes through the goroutine that may wait.
type attempt struct{}

func newAttempt(net.Conn) *attempt { return nil }

func (a *attempt) write([]byte) (int, error) { return 0, nil }
