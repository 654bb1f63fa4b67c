// Package keystest compares package keys with the code of wallets for Cosmos
// chains. It is a package of its own because that code is large.
package keystest
