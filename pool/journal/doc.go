// Package journal keeps every share on disk, one by one, and adds them up into
// the ledger once each interval.
//
// # What is written
//
// Shares wait in memory for half a second at most ([Config.Commit]) and are then
// written and synced together, as one frame of a segment: a file for each
// interval of a quarter of an hour. A frame has a checksum and continues a hash
// chain, so that a tail that was torn off is recognised and cut, and the chain's
// last hash, the segment's digest, vouches for every share in it.
//
// When its interval is over a segment is folded: its shares are added up by
// worker, source and party, and go into the ledger as records of kind "shares"
// that name the digest. The same segment always makes the same records, to the
// byte; so where it is not known whether they are in the ledger they can be
// looked for, and only what is missing is added. A kill at any instant leads to
// each share being counted once. Segments are kept for a while, and [Verify]
// holds one against the ledger.
//
// # What can be lost
//
// A kill, or a power cut, loses the shares that were not synced yet: those of
// the last half a second and of the sync under way. They are then in neither
// journal nor ledger: the ledger never has a share that the journal has not.
// [Journal.Sync] returns when everything added before it is safe.
//
// When the disk takes nothing, shares wait in memory: one by one as far as
// [Config.Buffer] goes, then added up by worker and interval, and where there
// are too many of those only their number is kept, which becomes a gap record.
// All of it is written as soon as the disk takes it; what is in memory when the
// program ends is lost, and [Journal.Run] says how much. Mining never waits for
// the journal.
package journal
