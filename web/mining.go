package web

import "time"

// Mining is the part that a home takes in a network, as the front page shows it.
// Amounts are text with their unit: coins of the network, never money.
type Mining struct {
	Network string
	Test    bool // its coins are worth nothing
	// Height and At are those of the newest block that is trusted.
	Height int64
	At     time.Time
	// Earned was paid out, Vesting is earned and paid later.
	Earned, Vesting string
	// Work is what was credited, in billions of multiply-accumulates.
	Work   string
	Claims int    // under way
	Idle   string // why nothing new is begun
	// Trouble is what keeps the home from mining.
	Trouble string
	Latest  []Mined
}

// Mined is something that was done or earned, with where its proof is.
type Mined struct {
	At          time.Time
	Text, Proof string
}

// mined is what the home does on a network, nil if nothing.
func (p *pages) mined() *Mining {
	if p.mining == nil {
		return nil
	}
	return p.mining()
}
