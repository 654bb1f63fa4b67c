// Package share decides what a miner's share is worth.
//
// A [Channel] is one miner's right to submit: a Stratum V1 connection or one
// channel of Stratum V2. It knows the jobs the miner was offered and at which
// difficulty, checks every [Submission] against them, refuses what is stale,
// double, out of bounds or too easy, credits the rest, and moves the difficulty
// so that some six shares a minute arrive.
//
// Credit is unbiased. A share is worth the difficulty that its job was offered
// at, never what its hash happened to reach. Around a change of difficulty,
// where nobody knows which one the miner's firmware used, the lower is accepted
// as well, but only hashes that meet the job's own difficulty are credited:
// whatever threshold at or below it the miner used, the credit is then one hash
// per hash.
//
// Heaters throttle all the time, so the difficulty does not wait for shares to
// come down: see [Channel.Tick]. A heater that pauses is another matter: what it
// did before is remembered, and it comes back to a difficulty near that.
//
// The package is pure: time comes in as an argument, and a clock that is set
// back does no harm. Memory is bounded, and Check allocates nothing.
package share
