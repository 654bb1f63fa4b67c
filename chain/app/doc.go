// Package app is hearthnode's application: the Cosmos SDK's modules for
// accounts, coins, grants, upgrades and votes, Hearth's own for work, and how a
// block is made of them.
//
// Everything is wired by hand in [New], in the order in which it is needed;
// there is no staking. One module, power, says who validates. A proposer puts
// what the beacon has to say before the transactions of its block; every node
// checks it again before it votes.
//
// The coins of this chain are worthless until somebody other than its authors
// gives them a price, and every surface of the node says so.
package app
