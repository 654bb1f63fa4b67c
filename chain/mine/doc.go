// Package mine is the worker of a home in the network: it claims jobs, runs them
// with the inference engine, hands in tickets and receipts, and says what that
// has earned.
//
// Nothing a node says is believed. The worker follows the chain with package
// light, and acts on records that were proven to be in its state: lists of jobs
// that a node offers are hints, each of which is then read by its key. Before a
// ticket is sent it has passed the check that every node makes of it.
//
// # How a claim goes
//
// What a worker holds is in a [Journal], a folder with one file for each claim,
// written before anything is sent. [Held.Next] decides, from a claim's file and
// the chain's record of it alone, what is to be done now; so a worker that was
// killed goes on where it was, and one whose transaction was lost sends it again
// once it can no longer be included. A job is run once for a claim. Its receipt is
// written down before it is sent, and it is the only one there ever is: a claim
// never has two.
//
// A claim that is not delivered in its window costs its deposit. So heat paces
// what is claimed, and what has been claimed is run in time, heat or not.
//
// # What is kept of what was earned
//
// When a claim ends, and when the chain pays, the worker keeps an [Event] with its
// [Proof]: the record, and the path from it to a header that was trusted. Amounts
// are coins of the network, never money.
//
// A Worker is safe for concurrent use. It keeps its own account's sequence: no two
// workers may use the same hot key.
package mine
