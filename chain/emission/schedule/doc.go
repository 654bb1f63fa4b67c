// Package schedule says how many coins there will be, and when.
//
// There are never more than [Cap]. In every epoch a fixed part of what is left
// of the cap is released, so that what a year releases halves every four years
// without a day on which it jumps. The part is a number of 64 bits, found from
// the half-life with whole numbers alone ([NewCurve]): every processor agrees
// to the last coin.
//
// What is released is divided among those it is for ([Split]); of each part
// only what somebody earned is minted ([Pay]). The rest is gone for good: it
// counts as released, and no later epoch is larger for it. So the schedule
// depends on the number of the epoch alone, and nobody gains a later coin by
// leaving one unearned today.
//
// Nothing is ever released for hardware that is declared, for heat or for
// energy: the only inputs are epochs and verified work.
package schedule
