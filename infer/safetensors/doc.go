// Package safetensors reads and writes the container that most published
// models come in, and that Hearth's own model files are: a length of 8 bytes,
// a JSON header, and the tensors one after the other.
//
// A file is untrusted. [Open] reads the header only and takes it whole or not
// at all: every byte after the header belongs to exactly one tensor, every
// tensor has as many bytes as its shape and type say, and no name comes twice.
// What it allocates is bounded by the header, and the header by the size of
// the file and by [MaxHeader]. The bytes of a tensor are read when asked for,
// a stretch at a time, so that a tensor of a gigabyte is converted row by row.
//
// A model in several files has an index, which [Index] reads; [OpenShards]
// opens them as one [File] and holds them to the index.
//
// [Write] makes a file whose bytes depend on nothing but the tensors and the
// metadata: equal models have equal hashes.
//
// The package does no I/O of its own. Source of the format: the safetensors
// documentation, "Format", as of version 0.8.
package safetensors
