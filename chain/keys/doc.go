// Package keys makes and keeps the keys with which a home takes part in the
// network.
//
// There are three. The owner's key is cold: it holds what was earned, and a home
// needs to know no more of it than its address. It comes from a [Mnemonic], 24
// words on paper (BIP-39), by the path m/44'/118'/0'/0/0 (BIP-44), so that
// wallets for Cosmos chains open it as well. The other two are hot, [Hot]: a
// secp256k1 account that signs the worker's transactions and holds only what fees
// need, and an ed25519 key that signs receipts and tickets. A home that is robbed
// of its hot keys loses little, and the owner names new ones.
//
// Hot keys are kept in one file, readable by its owner only and sealed with
// XChaCha20-Poly1305. The seal's key comes from a passphrase by Argon2id, or from
// a file of random bytes for homes that have to start without a person. The
// addresses and the owner stand beside it for all to read, under the same seal:
// who edits them breaks it. Keys are never printed, logged or put into errors.
package keys
