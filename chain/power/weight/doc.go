// Package weight turns verified work into voting power.
//
// A miner's day goes through four steps, each a function here:
//
//	credited work of the day
//	  → [Rules.Smooth]  average over some days, so that a burst counts little
//	  → [Rules.Back]    a fifth counts by itself, the rest as far as coins that
//	                    can be lost stand behind it
//	  → [Held]          the least of the last days: only what was held counts
//	  → the validator that the miner lends its work to
//
// and the validators of a day through three more:
//
//	candidates
//	  → [Rules.Target]  guardians' part, a floor for those with a bond, the rest
//	                    by work, nobody above the cap, at most so many seats
//	  → [Rules.Step]    towards that target as far as a day's churn allows
//	  → the set that signs the next day's blocks
//
// [Rules.Next] does these and keeps the set where work collapsed: a network
// that stops working goes on deciding. [Set.Without] is what happens to those
// at fault, at once and outside any bound, but never down to nobody.
//
// All power together is [Total] at most, far below what CometBFT can add up.
// Everything is whole numbers; a product never leaves 128 bits; order is that
// of the operators' names. Work is counted in a unit that the caller chooses:
// nothing here depends on it.
package weight
