// Package market sets two prices from what the last blocks held: what a claim
// burns for each multiply-accumulate ([Fee]), and how many of these stand
// behind a ticket ([Difficulty]).
//
// Both move by a bounded step in every block, from whole numbers that all
// nodes have: MACs that were claimed and tickets that were included. No time
// enters them, so that no proposer's clock can bend them, and no choice of
// order within a block changes them.
package market
