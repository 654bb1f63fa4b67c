// Package node talks to a Bitcoin node: it takes templates of blocks, hands over
// blocks that were found, and asks what became of them. Who pays on the chain
// asks it other things, through [Client.Call].
//
// Bitcoin Core and btcd are understood. They differ in more than they share:
//
//   - Core answers getblocktemplate only to those who know the rule segwit, btcd
//     does not care; btcd leaves out what a coinbase may pay if it is asked for a
//     whole coinbase. What is asked for here suits both.
//   - btcd answers nothing at all to a request without an id.
//   - Core reports errors with status 500 or, by another version of JSON-RPC,
//     200; btcd always with 200.
//   - submitblock answers a word in Core ("duplicate") and a sentence in btcd
//     ("rejected: already have block …").
//   - Either may name its network in its own way.
//
// [Client.Watch] follows the node. A long poll has it answer as soon as there is
// a new block. The answer is a whole template, megabytes of it, but its head is
// found in what has arrived first (btcd) or right behind its end (Core), in
// microseconds: the follower gets a template without transactions at once, and
// the whole one when it is read and checked. What goes before is the node's own
// time: Core puts a block together before it answers a long poll. Besides, a
// template is fetched every half minute, which brings new transactions and the
// time, and finds out when the long poll hangs.
package node
