// Package lighttest compares package light and those below it with the code that
// they follow: CometBFT's types and light client, ICS-23, the SDK's multistore, and
// a real node. It is a package of its own because that code is large, and the
// tests of light itself stay quick. It writes the golden vectors that those read.
package lighttest
