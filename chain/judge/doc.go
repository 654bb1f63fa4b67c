// Package judge tries what miners claim to have computed.
//
// A trial is about one claim: its tickets and its receipt. The job is run once,
// from its prompt, settings and seed to its end, as the engine would answer it,
// and every row of activations is seen on the way. From that one run follows
// what two tiers of checks say about each ticket (package work: Verifier.Check
// and Verifier.Replay), whether output and trace of the receipt hold
// (Receipt.CheckRun), and a digest that nobody has who did not run the job.
// Verdicts are given with a seal over the digest; when it is revealed, it shows
// who had run the job and who only said so.
//
// The package is pure: no I/O, no clock, no randomness. It costs what the
// claim's job costs, which the rules of claims bound, and one tile for each
// ticket; it ends when its context does. Nothing here runs inside consensus:
// validators judge beside it, and blocks only count their verdicts. Package
// court is the service that does so.
package judge
