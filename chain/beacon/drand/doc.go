// Package drand verifies the rounds of a drand randomness beacon, and signs
// those of a beacon with a single key.
//
// drand's network "quicknet" (the League of Entropy) publishes a [Round] every
// three seconds: a BLS signature of the round's number under a key that no
// single member holds. There is exactly one valid signature of a number, so
// nobody can choose it; nobody knows it before enough members have signed; and
// everybody can check it with the 96 bytes of the public key. The hash of the
// signature is the round's randomness.
//
// The scheme is the one drand calls bls-unchained-g1-rfc9380: signatures on G1
// of the curve BLS12-381 (48 bytes), keys on G2 (96 bytes), both in the
// compressed encoding of draft-irtf-cfrg-bls-signature; the message is the
// SHA-256 of the round's number as eight bytes, big-endian; it is hashed to the
// curve as RFC 9380 says, suite BLS12381G1_XMD:SHA-256_SSWU_RO_.
//
// A [Chain] says what is fixed about a beacon: its key, when it began, and its
// pace. A [Verifier] holds a key ready for many signatures. A [SecretKey] is
// for the beacon of a network that is only tried out, and for what validators
// reveal while drand is silent. Tags keep those three uses apart: a signature
// made for one is worth nothing in another.
//
// The package is pure: no I/O, no clock, no randomness. Package relay fetches
// rounds.
package drand
