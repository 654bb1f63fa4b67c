// Package simulation runs the whole application through what can happen to it.
//
// [Run] makes a network out of a seed: validators, miners, clients and projects,
// honest ones and others. In every block some of them act: jobs are posted,
// claimed, mined, delivered or not, judged and audited; parameters change by
// vote; validators come, go, sleep and sign twice; the beacon falls silent. Two
// nodes execute the same blocks. After each of them
//
//   - every invariant of every module must hold,
//   - both nodes must have the same state, results and validators,
//   - CometBFT must be able to take the changes of validators,
//
// and at the end a third node that begins from the exported state must go on
// like the others. While those who cheat hold less than a third of power, no
// ticket that was made up may be credited and no honest judge punished.
//
// The same seed runs the same way, so a [Failure] names its seed and its last
// block, which is the first at which anything was wrong.
//
// CometBFT itself does not run: proposals, votes, evidence and the delay of
// validator changes are what this package makes of them. Tickets and receipts
// are made up rather than computed: what the chain sees of them without weights
// is all right, and who cheats is known to the simulation alone. Package adversary does
// the like with real work of hearth-mini.
package simulation
