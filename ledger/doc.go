// Package ledger is the joule ledger: what a home drew, what heat it made of
// it, what it was told and what happened, in records that nobody can change
// unseen.
//
// Each [Record] carries the hash of the one before and an ed25519 signature,
// so that an edit, a gap, a swap or a foreign record breaks the chain at a
// place that [Verify] names. A [Head], kept outside the file, tells a cut tail
// and a rollback. Old detail is removed only behind a [Checkpoint]: a signed
// record with the hash and the sums of what went, so that totals stay true.
//
// Amounts are whole numbers of small units (millijoules, millisatoshis), and
// a record has exactly one encoding; spec/ledger.md gives it byte for byte.
//
// A [Sample] is what a chart is drawn from: the mean, least and most of a
// metric over a minute, rolled up to hours and days. Samples are not signed;
// the records are.
//
// The package is pure: no I/O, no clock, no randomness. Package store keeps
// the records in a file.
package ledger
