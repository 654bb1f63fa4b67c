// Package noise is the encryption of Stratum V2: the handshake
// Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256, the certificate by which a
// pool shows who it is, and the ciphers that both sides have afterwards.
//
// The miner speaks first, with 64 bytes ([Initiator]); the pool answers with
// 234 ([Respond]); then each has a [Cipher] for either direction. The miner
// stays unknown. The pool has a static key, and a [Certificate] of it, signed
// by an [Authority] whose public key ([AuthorityKey]) the miner's owner was
// told by other means. Without such a key the connection is encrypted all the
// same, but to whom is not known.
//
// Keys travel as ElligatorSwift encodings (BIP 324), 64 bytes that cannot be
// told from random ones. Signatures are BIP 340's. The sources are sections
// 4.3 to 4.7 of the Stratum V2 specification, BIP 324 and BIP 340;
// spec/vectors/stratum2 has a whole handshake with fixed keys and a second
// implementation of it.
//
// # Time and randomness
//
// Both are arguments: the same keys give the same handshake. A secret key is
// 64 random bytes, half of them for its encoding; ephemeral keys must be drawn
// anew for every handshake.
//
// # What an eavesdropper with a stopwatch learns
//
// The curve's arithmetic is not constant-time: no Go library of this curve has
// a constant-time multiplication of any point. An ephemeral key is used for a
// single handshake, so there is nothing to average over. The static key is used
// with points that strangers choose; it is split into two random summands for
// every handshake, so that no two multiplications share a scalar. Signing
// happens once for a certificate. Somebody who runs code on the same processor
// is not kept out by this.
//
// The package is pure and nothing in it keeps state of its own.
package noise
