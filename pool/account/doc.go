// Package account keeps the book of who is owed how many sats.
//
// The ledger has the money in transfers, each from some accounts to others and
// adding up to zero. A [Book] replays them into balances. So at every moment
// all balances add up to zero, and what parties are owed, what was paid out
// and what that cost add up to the revenue that was shared out, to the
// millisat; [Totals] shows it.
//
// A book is made of nothing but the ledger's records. Replayed from the start,
// or from a checkpoint that stands for records removed, it is the same book: a
// crash at any moment loses nothing that is in the ledger. A transfer is known
// by its id and counts once.
//
// [Book.Check] says before a transfer is written whether it may be: what is in
// the ledger already is a fact and is replayed as it is.
//
// The package is pure, and a Book is not for concurrent use.
package account
