package server

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum2/noise"
)

// Config is how a [Server] behaves. The zero value of a field means the default
// that its comment names.
type Config struct {
	// Log takes what a person should know: who was turned away and why, and
	// panics. Nil: nothing is logged.
	Log *slog.Logger

	// Key is the static key that V2 miners see, Authority who certifies that it
	// is this server's: miners are given the authority's public key. Both should
	// stay the same for years. Without them connections of V2 are closed.
	Key       *noise.Key
	Authority *noise.Authority

	// Next gives ids for jobs that no other job has, as [job.Counter.Next] does. A
	// V1 miner that is to mine a job anew gets it under another. Nil: the server
	// counts for itself, from a place at random.
	Next func() uint32

	// Extranonce1 and Extranonce2 are the bytes of a new connection's own part
	// and of the part that its miner counts through: 4 and 4. [Server.Shape]
	// changes them.
	Extranonce1, Extranonce2 int
	// MaskV1 and MaskV2 are the version bits that miners may roll, as far as a job
	// lets them: [job.MaskV1] and [job.MaskV2].
	MaskV1, MaskV2 uint32
	// Start is the difficulty of a miner of whom nothing is known: 512.
	Start job.Difficulty
	// Vardiff is how the difficulty follows the hash rate.
	Vardiff share.Vardiff

	// MaxConns is how many connections there may be: 16,384.
	MaxConns int
	// MaxPerAddress is how many of them one address (IPv6: one /64) may have:
	// 256. Houses and containers share one.
	MaxPerAddress int
	// MaxChannels is how many channels a V2 connection may open: 16.
	MaxChannels int
	// MaxLine is the longest line of V1 in bytes, MaxFrame the longest payload
	// of a V2 frame: 16 KiB and 4 KiB.
	MaxLine, MaxFrame int
	// MaxQueue is how many bytes of answers may wait for a connection to take
	// them before nothing more is read from it: 8 KiB.
	MaxQueue int
	// MessagesPerSecond is how fast a connection's messages are read on average,
	// after a burst of twice as many: 500.
	MessagesPerSecond int
	// Handshakes is how many Noise handshakes are computed at a time: 2.
	Handshakes int

	// Turn is how often each connection is looked at for the deadlines below
	// and for the timer path of its difficulty: 30 s. Deadlines are kept to
	// within one turn.
	Turn time.Duration
	// Login is how long a connection may be without a miner that has logged in:
	// 30 s.
	Login time.Duration
	// Idle is how long a miner may say nothing: 10 min.
	Idle time.Duration
	// Quiet is after how long without a word from here a miner is sent one, at
	// its next turn: 25 s. Firmware takes a server for dead after two minutes.
	Quiet time.Duration
	// Stall is how long a connection may take to accept what waits for it: 15 s.
	Stall time.Duration

	// Ban says who is turned away, and for how long.
	Ban Ban
}

// Ban says when somebody has brought so little of worth that they are turned
// away for a while: a worker for shares that are not accepted (stale ones do
// not count), an address for logging in in vain and for breaking the protocol.
type Ban struct {
	// Shares is how many worthless shares there must be at least: 64.
	Shares int
	// Fraction of all shares that must be worthless: 0.8.
	Fraction float64
	// Logins is how many refused logins or broken protocols an address may have
	// within For: 32.
	Logins int
	// For is how long the ban lasts: 10 min.
	For time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Next == nil {
		c.Next = job.NewCounter(rand.Uint32()).Next
	}
	or(&c.Extranonce1, 4)
	or(&c.Extranonce2, 4)
	or(&c.MaskV1, job.MaskV1)
	or(&c.MaskV2, job.MaskV2)
	or(&c.Start, 512)
	or(&c.MaxConns, 16384)
	or(&c.MaxPerAddress, 256)
	or(&c.MaxChannels, 16)
	or(&c.MaxLine, 16<<10)
	or(&c.MaxFrame, 4<<10)
	or(&c.MaxQueue, 8<<10)
	or(&c.MessagesPerSecond, 500)
	or(&c.Handshakes, 2)
	or(&c.Turn, 30*time.Second)
	or(&c.Login, 30*time.Second)
	or(&c.Idle, 10*time.Minute)
	or(&c.Quiet, 25*time.Second)
	or(&c.Stall, 15*time.Second)
	or(&c.Ban.Shares, 64)
	or(&c.Ban.Fraction, 0.8)
	or(&c.Ban.Logins, 32)
	or(&c.Ban.For, 10*time.Minute)
	return c
}

func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// shape is how many bytes of the coinbase are a connection's own, and how many
// its miner counts through.
type shape struct{ e1, e2 int }

// checked refuses sizes that some miner cannot work with: less than four bytes
// in all are used up within a second, and firmware that is offered more than
// eight of its own never submits a share.
func (s shape) checked() (shape, error) {
	switch {
	case s.e1 < 2 || s.e1 > 4:
		return s, fmt.Errorf("shape the extranonce: %d bytes tell connections apart: it must be 2 to 4", s.e1)
	case s.e2 < 2 || s.e2 > 8:
		return s, fmt.Errorf("shape the extranonce: %d bytes are the miner's: it must be 2 to 8", s.e2)
	}
	return s, nil
}
