// Package library lends the jobs of commons projects: a server gives each with
// the proof that it is in its project, a [Client] fetches and checks them.
//
// A library is not trusted. What it lends is what the chain's root says or is
// refused, and a proposal may name several.
//
// One job is at its source's address with "/" and its index: the length of the
// encoding in 4 bytes, little-endian, the encoding, and the hashes of the
// proof. The whole list, as a file, is at the source's address itself.
package library
