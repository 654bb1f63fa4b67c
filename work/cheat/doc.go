// Package cheat plays those who want tickets for less work than inference
// takes.
//
// A [Tile] is one attempt: a row, its noise and the weights of 128 columns. The
// strategies compute its transcript, or say what a perfect use of some structure
// would leave to compute, and count what they spend: one for every
// multiply-accumulate, addition or table look-up in the inner loops. What can be had
// before the attempt's noise is known is free to them: the product of the row
// without noise, bases of the weights, tables of any size. That is more than
// anybody has.
//
// The tests hold them against each other: a strategy that the rules allow must
// spend what the honest miner spends. Forbidden ones are looked at here for
// what they would save, and in the tests of packages work and admission for the reason
// for which they are rejected.
package cheat
