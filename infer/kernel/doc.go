// Package kernel is the arithmetic that inference spends its time in: exact
// products of matrices of small whole numbers, for one row or for thousands.
//
// Plain Go defines every result. The variants in assembly (see [Level]) are
// the same function computed faster: sums of whole numbers do not depend on
// the order, so no vector width, tiling or number of threads changes a bit.
// Which variant runs is decided by whoever makes a [Matrix]; the package looks
// at no environment and keeps no state.
//
// # Operands
//
// Weights are int8 from -127 to 127, given as rows of k for each of n columns
// of the result. Activations are int8 from -127 to 127 too, stored as bytes
// with 128 added, in rows of [Stride] bytes; [Rows] makes room for them. The
// product is the true one: what the added 128 contributes is taken out.
//
// A [Matrix] keeps its weights once, in panels of 16 columns: four consecutive
// weights of each of the 16 columns make 64 bytes, one vector, and the groups
// of four follow each other: byte 4q+t of column j of a panel lies at 64·q + 4·j +
// t. All levels read this one layout.
//
// # Tickets
//
// A [Ticketed] matrix computes, on rows with noise, the product without it and
// beside it a transcript of the running sums that cannot be had for less work
// than the product: the proof of work. The protocol around it is in
// spec/work.md; here are its inner loops.
//
// # Generated code
//
// The assembly is written by the programs under _asm, a module of its own, with
// avo; its output is committed. To write it again: go generate ./infer/kernel.
package kernel
