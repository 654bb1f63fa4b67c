// Package entry is what can be said of a model from its manifest alone, and of a
// tile from its opening: the rules of the registry that need no state.
//
// A manifest comes from anybody. Everything here takes time and memory in
// proportion to what it is given, is the same on every machine, and answers
// with an error that says what is wrong.
package entry
