// Package admission tests whether a matrix of weights is fit to be mined.
//
// The weights of a registered model carry no noise, so nothing but their own
// disorder makes a ticket cost what it should. No test proves that a matrix has
// no cheap circuit. These tests, all in whole numbers and the same everywhere, catch the
// ways in which it is known to have one: blocks of low rank, zeros, small or
// few values, columns or rows that repeat. What fails is not mined; the model
// stays usable. spec/work.md has the thresholds, and what real models measure.
//
// The tests look at the weights as they are stored, whose channels were
// permuted by their hash (see model.Verify), so that nobody lays out a matrix
// to fit the blocks.
package admission
