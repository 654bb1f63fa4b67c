// Package job is what a Bitcoin miner is given to do: hashes, targets and
// difficulties, block headers, templates of blocks and the [Job] that a miner
// turns over until a hash is low enough.
//
// A [Template] comes from a node. [New] makes a [Job] of it, with a coinbase
// that pays whom it must pay; a job may also come from an upstream pool, which
// keeps the block to itself. A job never changes and is shared by all who mine
// it; they differ in the extranonce alone, the bytes between its Prefix and its
// Suffix. [Job.Assemble] makes the block of a share that found one.
//
// Work is counted in [Work]: whole units of 1/1024 of difficulty 1, so that
// sums are exact and the same everywhere.
//
// Byte orders are the old trap of this trade. [Hash] and [Target] hold the
// bytes as SHA-256 and the wire have them, the least significant first; their
// texts are reversed, as explorers print them. Headers and coinbases are
// little-endian as on the wire. Scripts, flags and branches are raw.
//
// The package is pure: no I/O, no clock, no randomness. It computes with hostile
// input, from nodes and upstreams: every size is bounded, and nothing panics.
package job
