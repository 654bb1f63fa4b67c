// Package light lets a home check for itself what a chain says, without
// running a node and without believing one.
//
// A chain on CometBFT v0.40 makes one block after another. The [Header] of a
// block carries the hash of the validators who decide on it, of those who
// decide on the next, and of the application's whole state. Validators sign
// it, and their signatures are its [Commit]. A [Block] is the three together:
// header, commit, validators.
//
// Who trusts one block can trust a later one. [Rules.Verify] says when. If it
// is the next block, its validators are those that the trusted header names,
// and more than two thirds of their power has to have signed. If it is further
// on, more than a third of the trusted block's power has to have signed too: at
// least one of them is honest then, as long as fewer than a third are not, and
// as long as their stake can still be taken (the trusting period is shorter
// than unbonding). If too many have changed, a [Walk] looks halfway, until it
// gets across; and a chain that lets a tenth of its power change in a day is
// crossed in long steps.
//
// A state that is proven is read with a [StateProof]: a path of hashes from the
// value through the Merkle tree of its store (IAVL) and the tree of all stores
// to the application hash (ICS-23). The hash of the state after block h stands
// in the header of block h+1.
//
// A chain whose validators lie can show two people two blocks. Whoever asks
// more than one node sees both, and that is a [Fork]: proof against everyone
// who signed, and the end of trust until people have looked.
//
// # What is accepted
//
// The rules are CometBFT's own (packages types and light of v0.40), and the
// tests compare this package with that code on honest and on damaged blocks.
// Where it differs it is stricter: keys are ed25519 only, powers are above 0,
// decoders take one encoding, proofs take only the operations that IAVL and the
// SDK's store make. Nothing is accepted that CometBFT refuses, and of proofs
// only this: ICS-23's own library takes no empty value, of which the state's
// sets of keys are full. A leaf's hash holds its key's length and its value's
// hash, so an empty value can no more be forged than another.
//
// Signatures follow ZIP-215, as CometBFT's do. The standard library is stricter
// in corners that no honest signer gets into (points of small order, points
// written in a second way); everything it accepts is valid under ZIP-215. So it
// is asked first, being fast, and what it refuses is computed again by the
// cofactored equation. A validator that signs in such a corner can therefore
// neither fool this client nor lock it out of a chain whose nodes went on.
//
// The package is pure: no I/O, no clock, no randomness. Package light/node
// asks nodes, and package light/follower keeps what is trusted and puts the
// three together. Values may be used by several goroutines at a time unless
// they are being changed.
package light
