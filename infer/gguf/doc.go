// Package gguf reads the container that llama.cpp's models come in: typed
// metadata, then tensors, many of them quantised in blocks.
//
// A file is untrusted. [Open] reads its metadata and the list of its tensors
// and takes them whole or not at all; what it allocates is bounded by the
// bytes that are really there and by [MaxHeader]. The tensors lie one after
// the other, each from a multiple of the alignment, and nothing else is in the
// file. Their elements are read when asked for, a stretch at a time.
//
// Versions 2 and 3 are read, little-endian. [Tensor.Floats] converts F32, F16,
// BF16, Q8_0, Q4_K, Q5_K and Q6_K, which is what the common Q4_K_S, Q4_K_M and
// Q8_0 files are made of; the error for any other type names it.
//
// The package does no I/O of its own. Sources: the GGUF specification in
// ggml's docs/gguf.md, and the block layouts of ggml-common.h.
package gguf
