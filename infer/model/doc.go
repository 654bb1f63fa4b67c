// Package model holds a transformer in whole numbers: its structure, its
// weights in int8, and the file it is kept in.
//
// What a model computes is defined by package kernel and, for whole passes, by
// package engine; how one is made of a published model, with floating point
// for the last time, is package importer's business.
//
// # Identity
//
// A [Manifest] says what a model is: its [Config], the hash of its tokenizer,
// the BLAKE3 hash of every matrix of weights and of everything else. The hash
// of the manifest, in its one encoding, is the model's id. Equal ids compute
// equal answers.
//
// # Permuted channels
//
// Whoever makes a model must not choose which weights stand side by side,
// because a ticket's noise and its tiles are cut from neighbours. So the
// channels of every inner space are relabelled by permutations that follow
// from H0, the hash of all weights in their natural order; see [Model.Permute].
// Answers do not depend on it, and nothing is gathered at run time. [Verify]
// undoes it and computes H0 again.
//
// # Files
//
// A model file, *.hearth, is a safetensors container. Its metadata hold the
// manifest; the tokenizer.json is a tensor of bytes. [Read] takes nothing on
// trust: every shape, range and hash is checked, and what it allocates is
// bounded by the size of the file.
//
// The package is pure: no I/O of its own, no clock, no floating point. Random
// models for tests and benchmarks come from a seed; see [Random].
package model
