package server

import (
	"net/netip"

	"hearth/pool/share"
	"hearth/units"
)

// Desk is whom the server asks and tells. Its methods are called from many
// goroutines at once, without any lock of the server's held, and must not block
// for long: while one does, nothing is read from the connection it is about.
type Desk interface {
	// Admit says who a miner is and what it mines first. The error's text goes
	// to the miner, cut to 200 bytes.
	Admit(Login) (Place, error)
	// Share tells what became of a share, good or bad. Shares of one worker that
	// come over one connection come in order. The verdict's job is the one that
	// was published, of which the miner may have had a copy with another id and a
	// later time: what it mined is in the verdict's Header and Extranonce.
	Share(Worker, share.Verdict)
	// Left tells that an admitted miner is gone. It is called once for each Admit
	// that gave a place, after the last Share.
	Left(Worker)
}

// Login is what a miner says of itself.
type Login struct {
	Protocol int // 1 or 2
	// User is the worker's name, Password its token. V2 has no password: whoever
	// wants one there has to look for it in the name.
	User, Password string
	// Agent is what the miner runs, as it says.
	Agent  string
	Remote netip.AddrPort
	// Hash is the rate that a miner claims for itself. Unknown for V1, and not
	// to be relied on for V2.
	Hash units.Known[units.HashRate]
}

// Place is where a miner is put.
type Place struct {
	Worker Worker
	Source string // which source it mines first
}

// Worker is the name by which the Desk knows a miner. Several connections may
// be one worker.
type Worker string
