// Package stratum1 is version 1 of Stratum, the protocol between miners and
// pools: one JSON object a line.
//
// A [Session] is the pool's end of one connection: it answers a miner's lines,
// checks its shares in a [share.Channel] and says by an [Event] what only its
// owner can decide or must know. A [Client] is the miner's end towards a pool:
// it logs in, turns notifications into jobs that any miner of the house can
// work on, and matches the pool's answers with the shares they are for. [Lines]
// cuts what a socket delivers. None of them waits, listens or looks at a clock:
// lines and times come in as arguments, what is to be sent is appended to the
// caller's bytes.
//
// # Firmware
//
// Miners bend the protocol, and old ones are never updated. A Session takes:
// requests in any order and before the answers to earlier ones, ids of any
// kind, subscriptions without parameters, difficulty suggestions before
// anything else, version rolling asked for late or without a minimum, unknown
// methods, shares before the first job. Nothing of that ends a connection; only
// what is not JSON does.
//
// # Version rolling
//
// Firmwares disagree whether version_bits replace the job's bits, are or-ed or
// xor-ed with them. The three are one where the job's own bits are zero, so
// [AppendNotify] sends no job whose Version has bits of its Mask.
//
// # Moving the extranonce
//
// An upstream pool gives a connection its extranonce1 and so many bytes of
// extranonce2. Hearth's miners get an extranonce1 of their own out of those
// bytes: the pool's extranonce1 and zeros for what is left over become part of
// the job's Prefix, and the same zeros go in front when a share is sent. A
// miner can therefore be moved from pool to pool with a notification alone.
package stratum1
