// Package work is the hub of the network: who may mine, which jobs there are,
// who claimed them, which tickets came of it, and what validators found when
// they ran the jobs again. spec/network/work.md is its normative form;
// package hearth/work (here called format) is what jobs, tickets and receipts are.
//
// # A job
//
// A client posts a public job and puts a fee and a tip in escrow. A miner claims
// it: the base fee is burned, a deposit locked, and the names of the prompt's
// beginnings are taken, all before anybody can know the beacon that the job is
// mined with. When the beacon is known a window opens. The miner runs the job,
// sends the tickets that won, and delivers the receipt with the answer. Whoever
// claims and does not deliver loses deposit and tickets.
//
// Validators then hold a trial. They run the job once, outside consensus, and
// say which tickets do not hold and whether the receipt does, under a seal that
// only who ran the job can open. What more than two thirds of all power found is
// what counts: tickets are credited, or void, or, if too few spoke, undecided.
// Nothing is credited without it.
//
// Some delivered jobs are given to a second miner, whom a beacon draws. If the
// two answers differ, one trial decides about both.
//
// # What is deterministic
//
// Execution needs no weights: [format.Verifier.Look] is all that a block's
// transactions are held to, so that no node can differ. Whether a ticket wins is
// seen by who has the weights, before a transaction enters the pool and before a
// proposal gets a vote ([Keeper.Tier0]), and by every validator's trial.
//
// All work of a block is bounded, by counts that are constants or parameters.
package work
