// Package stratum2 is version 2 of Stratum, the protocol between miners and
// pools: binary messages in encrypted frames.
//
// A [Session] is the pool's end of one connection: it answers a miner's
// messages, checks its shares in a [share.Channel] for each channel that the
// miner opens, and says by an [Event] what only its owner can decide or must
// know. A [Client] is the miner's end towards a pool. Package noise has the
// handshake, package message the messages; a [Transport] is what comes after
// the handshake, and [Frames] cuts what a socket delivers. None of them waits,
// listens or looks at a clock: bytes, times and randomness come in as
// arguments, what is to be sent is appended to the caller's bytes.
//
// # Channels
//
// A standard channel gets headers with a finished merkle root: its extranonce
// is fixed. An extended channel gets coinbase and branch, and turns over a part
// of the extranonce itself. A connection may have several of both, each with a
// user of its own. They are all of one group, and each gets its jobs by itself.
//
// # Jobs and blocks
//
// In V2 a job does not say on which block it builds. Its miner takes the
// previous hash that was set last, or waits until one is set for it. A Session
// sends a job that is to be mined at once only if it builds on the block that
// the channel has; any other job goes out as a future one, with the previous
// hash right behind it, which also ends all earlier jobs. The first job of a
// channel is always of that kind. Jobs are numbered anew for each connection,
// because the same job goes out again when its target changes.
//
// # Firmware
//
// ESP-Miner, the first firmware that speaks V2, wants frames of at most 8,192
// bytes and at most 20 steps of a branch, takes whatever follows its request for
// a channel for the answer, and passes over SetExtranoncePrefix, Reconnect,
// CloseChannel, SetGroupChannel and UpdateChannel.Error. A Session never needs a
// miner to follow one of these: who is to go elsewhere is disconnected. The hash
// rate that it claims is always the same 10¹² hashes a second, so a Session
// passes that on but sets no target by it.
//
// # What is left out
//
// Job declaration, template distribution and custom jobs
// (SetCustomMiningJob is refused).
//
// # Sources
//
// The specification of August 2026, as packages noise and message have it, and
// what peers do: ESP-Miner's source, and the reference implementation's crates
// (stratum-core 0.6.0), with which both ends were tried over sockets. From the
// mistakes that were made there first come the rules that no job begins before
// its block was set, that a target never touches what is being mined, that jobs
// and shares without an answer are remembered in bounded number, and that a
// block for a job which was never sent ends the connection instead of being
// passed over.
package stratum2
