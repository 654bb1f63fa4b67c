package simulation

import (
	"hearth/chain/stage"
)

// character is how somebody plays.
type character int

const (
	honest character = iota
	lazy             // judges without running anything, mines and does not deliver
	lying            // judges against the truth, makes work up
)

func (c character) String() string { return [...]string{"honest", "lazy", "lying"}[c] }

// operator runs a validator, or will.
type operator struct {
	*stage.Operator
	character
	asleep bool
	power  int64 // after the last block
}

// miner mines.
type miner struct {
	*stage.Miner
	character
}
