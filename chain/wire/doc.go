// Package wire is how a home speaks to the chain: the bytes of transactions,
// addresses and signatures, without the chain's own code.
//
// The chain is built with Cosmos SDK v0.55, whose programs are large and whose
// dependencies a heater does not need. What a home has to say is small: a few
// messages in one signed transaction. So this package writes protobuf by hand.
// A [Message] holds the bytes of one message, its fields in ascending order and
// every number in its shortest form, which is the one encoding that the chain
// accepts (ADR-027 of the SDK). [Fields] reads such bytes back without copying
// them, and refuses what is not in that form: bytes that come from a node that
// lies can make it return an error, but not allocate, loop or panic.
//
// A [Key] is a secp256k1 key of an account and signs as the SDK does: ECDSA
// over SHA-256, the nonce by RFC 6979, S in the lower half. Its [Address] is
// RIPEMD-160 of SHA-256 of the compressed public key, written in bech32 with
// the prefix "hearth". A [Transaction] is signed in SIGN_MODE_DIRECT with
// [Transaction.Sign], and known on the chain by its [Hash].
//
// The messages that move coins or permissions are in bank.go; those of
// Hearth's own modules in their own files. Each is tested byte for byte
// against the code that the chain uses to read it.
//
// The package is pure: no I/O, no clock, no randomness. All values may be used
// by several goroutines at a time unless they are being changed.
package wire
