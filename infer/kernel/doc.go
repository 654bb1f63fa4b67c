// Package kernel is the arithmetic of inference, in whole numbers: what a model
// spends its time in, and what every verifier must come to again.
//
// spec/arithmetic.md is its normative form; plain Go in this package is its
// definition in code. The variants in assembly (see [Level]) are the same
// functions computed faster: sums of whole numbers do not depend on the order,
// so no vector width, tiling or number of threads changes a bit. Which variant
// runs is decided by whoever makes a [Matrix] or calls a method of a Level; the
// package looks at no environment and keeps no state.
//
// # A row on its way
//
// Between two operations a row of activations is int32 fixed point within
// ±[Limit], so that two of them can be added. On the way through a layer of a
// model it passes
//
//   - [Level.Quantise]: to the bytes of a product, with the [Scale] that
//     brings them back;
//   - [Matrix.Multiply]: the exact product with the weights;
//   - [Level.Rescale] or, back into the residual stream, [Level.RescaleAdd]: from
//     sums to fixed point again, by the factors of the channels and the row;
//   - [Level.Centre], [Level.Squares], [Root]: the norms, of which only a layer
//     norm touches the elements; a root-mean-square norm goes into the scale
//     of the product behind it;
//   - [Level.Rotate], [Level.Narrow], [Level.PutKeys], [Level.PutValues],
//     [Level.Scores], [Level.Softmax], [Level.Mix], [Level.Average]: attention,
//     on numbers of 12 bits, so that its sums stay in 32;
//   - [Level.GELU] or [Level.Gate]: the bends between the two products of the
//     feed-forward part.
//
// What is real and belongs to a row as a whole (its quantiser, its norm) is a
// [Scale]: 32 bits and an exponent. There is no floating point.
//
// A [Team] divides columns, rows and heads among processors.
//
// # Operands of products
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
// spec/work.md; here are its inner loops, and BLAKE3 for many short messages at
// a time ([HashRows], [HashBlocks], [HashShort], [HashChunks], [HashNodes]).
//
// # Generated code
//
// The assembly is written by the programs under _asm, a module of its own, with
// avo; that for arm64, which avo does not know, by one that prints text. Their
// output is committed. To write it again: go generate ./infer/kernel.
//
// The kernels for AVX-VNNI and for arm64 have not been run on processors made for
// them. That they give the same bits is tested in other ways (docs/adr/0012), and
// proven again where they run, by [Best]; how fast they are is not known yet.
package kernel
