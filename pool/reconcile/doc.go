// Package reconcile holds what a pool reports against what the work that it was
// given is worth.
//
// Work is worth its part of a block: the reward of one, subsidy and fees, over
// the difficulty of finding one, less the pool's fee. What a pool counts of it
// is a matter of chance, since it sees only the shares that meet its own
// difficulty: of N shares the error is 1/√N. A [Span], most often a day, that
// is off by more than three times that is worth a word. It happens by chance
// once in 370 spans.
//
// A pool that keeps a little every day is never off by so much in one. A
// [Watch] adds the days up, and raises an alarm when they drift off to one side:
// by chance about once in twenty years of days, while one per cent that is
// missing from a heater of 6 shares a minute shows in about three weeks. The
// tests measure both.
//
// What is unknown stays unknown: a day without the network's difficulty or
// without a report says nothing, and is left out. The package is pure.
package reconcile
