// Package store keeps a home's ledger, history and memory in one SQLite file.
//
// A record that [Store.Append] has returned for is on the disk: a kill or a
// power cut at any instant loses none and does not damage the file. After
// each append the signed head is renewed in a file of its own, best kept on
// another disk, which tells a cut end or an older copy of the ledger.
//
// When the disk is full, read-only or failing, writes return [ErrPaused] and
// their entries wait in memory, bounded; reads go on. The next write that
// succeeds brings them in, and a gap record says what was lost, if anything
// was. Heating never waits for the ledger.
//
// One process owns a data folder; a second is told who holds it. Within the
// process a Store is safe for concurrent use: writes take turns, reads do not
// wait for them.
package store
