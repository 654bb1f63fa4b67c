// Package scheduler finds when to heat. Given a building or a tank with one
// temperature, a heater with a few levels, and what power costs and work earns
// in each slot of time to come, it returns the levels that cost least in all:
// exactly, by dynamic programming, in a time that depends on the size of the
// problem alone.
//
// The temperature runs on a straight line from slot to slot,
//
//	T' = a·T + b·P + c[t]
//
// which is what a lumped building (ISO 13790 with its inputs known), a mixed
// tank and a fitted [Room] all come to. The value of a temperature is kept on
// a grid and read between its points on straight lines; that is the only
// approximation. Levels, least times on and off, ramps and the cost of a start
// are exact, because they are states and moves of the recursion, not
// penalties. Prices may be negative, costs need not be convex.
//
// A [Solver] keeps its memory between problems. After the first of a size it
// allocates nothing. It needs the square root of the time it looks ahead, for
// it keeps the value of few slots and finds those between them once more.
//
// [Fit] learns a room from what was recorded of it, and [Try] finds out
// whether what was learned foretells a day better than the plain rule that all
// stays as it is.
//
// The package is pure and deterministic: the same problem has the same
// schedule, to the last bit, on every processor.
package scheduler
