// Package beacon brings randomness onto the chain that nobody could choose, and
// nobody knew when it mattered: the rounds of drand.
//
// The proposer of a block has drand's next rounds from a feed (package relay)
// and puts them before the block's transactions, in an [Injection]. Everybody
// checks it before voting ([Keeper.Check]) and again when the block is executed
// ([Keeper.PreBlock]), where it is recorded. A module that wants a value which
// cannot be foreseen calls [Keeper.Await] in the block that fixes what the
// value is for, and finds it with [Keeper.Value] some blocks later. When drand
// is silent for long, proposers reveal signatures instead.
//
// What decides is in package rule, and spec/network/beacon.md tells it to who
// writes another client. State, by the first byte of the key; numbers in keys
// are eight bytes, big-endian:
//
//	00             Params
//	01             State
//	10 ‖ round     Round, those of the last Params.keep blocks
//	11 ‖ number    Reveal, the same
//	12 ‖ height    Value, the same
//	13 ‖ round ‖ height    heights that wait for a round
//	14 ‖ number ‖ height   heights that wait for a reveal
package beacon
