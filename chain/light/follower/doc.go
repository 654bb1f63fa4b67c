// Package follower keeps what a home trusts of a chain, and reads nothing of it
// that was not proven.
//
// A [Follower] starts from a block whose hash a person or a program vouches for,
// and goes on from there by the rules of package light. It asks several nodes:
// one leads, the others are witnesses. [Follower.Advance] trusts a newer block
// only if a witness shows the same; where a witness shows another that can be
// verified too, the chain has forked, and the follower says so and stops, for
// good. A node that is down, behind or wrong is passed over, and the next leads.
//
// [Follower.Value] reads the state: the answer of any node will do, for it is
// proven against the header that is trusted. [Follower.Header] goes back to
// older blocks by their hashes.
//
// What is trusted is in one small file that is replaced in one step, so that it
// survives kill -9 and power cuts. It is written every ten minutes of the chain's
// time and when a fork is found, so that a killed follower has a few blocks to
// verify again and nothing to believe anew. A second process that opens the file
// is told that another has it.
package follower
