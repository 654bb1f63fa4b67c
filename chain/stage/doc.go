// Package stage is a network without CometBFT, for trying what happens to the
// application.
//
// A [Chain] has two nodes that execute the same blocks, and does what CometBFT
// does for them: proposals that the one makes and both judge, votes, evidence,
// and changes of validators that take two blocks. After every block the nodes
// must agree, and whatever CometBFT would stop at is an error here. A [Writer]
// makes the genesis; a [Person] signs transactions.
//
// Everything follows from what it is given: there is no clock and no network.
package stage
