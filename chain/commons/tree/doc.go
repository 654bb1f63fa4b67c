// Package tree holds the jobs of a commons project: how they are cut from a
// text, the tree of hashes that a proposal names, and the order in which they
// are handed out. spec/network/commons.md is its normative form.
//
// A project has too many jobs for a chain to keep. It keeps the root of a
// tree over their encodings; whoever is assigned job i shows the encoding with
// a [Proof], and [Check] says in a few hashes whether it is the one that the
// root was made of.
//
// Leaves and nodes are hashed in different domains, a leaf with its number and
// the root with the count: neither a node passes for a job, nor a job for its
// neighbour, nor a shorter list for a longer one.
//
// Nobody who proposes a project can place its easy jobs first: [Order] is a
// permutation keyed by a beacon that nobody knew by then.
//
// The package is pure: no I/O, no clock, no randomness of its own.
package tree
