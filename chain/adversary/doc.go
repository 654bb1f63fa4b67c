// Package adversary is a suite of tests: those who want income for less than
// the work, or others' income to be less, against a network of four validators
// that run hearth-mini for real.
//
// Each test plays one of them and asks the network, with the queries that
// anybody can ask, what became of it: everything ends refused or punished, with
// a reason, and honest work goes on. What is refused before it is in a block is
// shown as a node shows it to the sender.
//
// The network is that of package stage: the whole application on two nodes,
// with real weights, jobs, tickets, receipts and verdicts, and without CometBFT
// and clocks, so that it runs the same way every time. What the cheats do is in a
// [Kit], with which package devnet plays them against processes that talk to each
// other.
package adversary
