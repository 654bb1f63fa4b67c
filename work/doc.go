// Package work is productive proof of work: tickets that cost what inference
// costs and that nobody gets but by inference. spec/work.md is its normative
// form.
//
// # A ticket
//
// A public [Job] is a text to embed or a prompt to answer by a registered
// [Model]. Whoever claims it gets, some blocks later, a beacon that did not
// exist before (see [Claim]). Then every product of a row of activations with
// one of the model's matrices yields tickets, one for every 128 columns: the
// row gets noise that follows from beacon, executor, job, place and the row
// itself; the running sums of the noisy product are folded into 64 bytes; their
// hash is the ticket, and it wins if it is below a target that is proportional
// to the multiply-accumulates behind it. The product without the noise comes
// back exactly, so that inference with and without tickets gives the same
// numbers.
//
// A [Miner] does that on the way. A [Ticket] that won is checked in two steps:
// [Verifier.Check] computes its one tile again (a fraction of a millisecond, and no more
// than that for any input), [Verifier.Replay] runs the job again up to the row
// and compares. Only what passes both is worth anything. A check that fails
// says why with a [Reason].
//
// # A receipt
//
// A [Receipt] is what an executor signs about an answer: model, job, output and
// the trace of all rows, as hashes. It tells nothing of the prompt to whoever
// does not have it. Nothing leaves the owner's machine unless the owner marked
// the job public, which means that others will read it.
//
// Subpackages: admission tests whether a matrix is fit to be mined, cheat plays
// those who want tickets for less work.
//
// The package is pure: no I/O, no clock, no randomness of its own.
package work
