// Package node asks a node of the chain over HTTP: for blocks, for values of the
// state with their proofs, for the fate of transactions. It sends transactions.
//
// It speaks the JSON-RPC of CometBFT v0.40 and reads every answer up to a limit.
// It believes nothing and checks nothing but form: what it returns is what one
// node says. Package light says whether it is so.
package node
