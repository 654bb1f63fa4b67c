// Package rule is what the beacon of the chain goes by: which rounds a block
// may record, when proposers reveal instead, and what decides the value that
// the claims of a block are mined with.
//
// Whoever can choose that value can choose which work its own claims will win
// with. So nobody may know it while a claim can still be made, changed or left
// out, and nobody may choose between two:
//
//   - What is included in the block at height h waits for the first drand round
//     published later than the time of block h+1 plus a margin. The votes for
//     block h fix that time; the round is out only after the margin, when block
//     h+1 has long been proposed.
//   - Blocks record rounds without a gap and in their order, none published
//     later than the block's time plus the margin. Who leaves rounds out delays
//     values, and changes none.
//   - When no round was recorded for long, proposers reveal: the signature of
//     their registered key over the chain, the height and the previous fallback
//     value, of which there is only one. What waited for a round then waits for
//     a reveal some proposers ahead, for good, even if drand comes back.
//
// What is left to a proposer: as the last of those revealing before a value, it
// can withhold its reveal and leave the value to the next one; and as the one
// who could have recorded the round that ends a long silence, it can leave
// those who wait to the fallback. Both cost nothing but its own say, and give
// no choice that it can foresee the outcome of, save for keeping or refusing
// the one value it knows.
//
// The package is pure. Keepers apply what it decides.
package rule
