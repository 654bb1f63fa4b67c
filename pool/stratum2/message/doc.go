// Package message is the language of Stratum V2's mining protocol: headers of
// frames, every message a miner and a pool may send, and the fields that
// extensions add to them.
//
// A frame is a [Header] of six bytes and a payload. [Append] writes a whole
// frame; [Parse] reads a payload into a message of the type that the header
// names. Fields that extensions add follow a message's own ([Field]).
// Numbers are little-endian.
//
// The sources are sections 3 and 5 of the Stratum V2 specification and its
// extensions 0x0001 and 0x0002. What is sent sets the channel bit as the
// specification of August 2026 has it; what is received may have it either way,
// since older ones differ.
//
// Reading takes hostile input: it allocates no more than the payload is long,
// never panics, and refuses lengths that do not fit.
//
// The package is pure.
package message
