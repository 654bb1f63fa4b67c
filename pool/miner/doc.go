// Package miner mines Bitcoin with the processors of this computer.
//
// It is for tests and for learning, and for a computer that heats anyway and has
// nothing better to do. It never pays for its electricity: a core computes some 10
// million hashes a second, and the smallest miner that is sold 100,000 times that.
//
// A [Miner] takes jobs from a pool, over whichever version of Stratum the pool
// speaks, and connects only while somebody wants to mine. Each thread searches
// patches of a job that no other thread searches: all nonces of one version, one
// extranonce and one time. Where a job leaves little to turn over, its time is
// moved on.
//
// A header has two blocks of SHA-256. The first is the same for all nonces, so
// what the standard library makes of it is kept, and put back for each nonce.
// Per hash this leaves one block of the header and one of the hash of it, both
// already padded.
package miner
