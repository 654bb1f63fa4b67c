// Package wiretest compares package wire with the code by which the chain reads
// what wire writes: the Cosmos SDK and the messages generated for Hearth's
// modules. It is a package of its own because that code is large, and the tests
// of wire itself stay quick.
package wiretest
