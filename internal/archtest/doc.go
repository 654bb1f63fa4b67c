// Package archtest keeps the shape of Hearth: which package may use which,
// which packages are pure, and the few habits that a compiler does not ask for
// (no init, no state at package level, no endless file, a comment and a test
// for every package, no blockchain in the program that people run at home).
//
// [Hearth] is the table of this module, and the place to look before adding a
// package. [Check] holds a module against a table; a test does so for every
// build, for the files of every operating system and not only of this one.
package archtest
