// Package bolt11 reads Lightning invoices in the form of BOLT 11, as much of
// them as somebody who pays must check before: network, amount, payment hash,
// what the description commits to, when it expires, and that the payee signed
// all of it.
//
// It pays nothing and routes nothing; that is a wallet's work, as is refusing
// features that the wallet does not know.
//
// Source: lightning/bolts 11-payment-encoding.md, whose examples are the test
// vectors.
package bolt11
