// Package reward shares out what a block, or a share, earned among those who
// worked for it.
//
//   - [Proportional] over [Window.Last]: pay per last N shares (PPLNS), and
//     TIDES, which is the same over eight blocks' worth of work with the
//     coinbase paying directly. The window is work, not time: a heater that
//     rests in summer finds its share of it in autumn as it left it.
//   - [PerShare]: every share is paid at once, by an operator with a budget,
//     who bears the luck. When the budget is used up, it stops.
//
// All amounts are millisatoshis and exact: what is given out adds up to what
// there was, by largest remainder. [Coinbase] turns such amounts into outputs
// of whole sats above dust; what is too small is carried in credits and debits
// that add up to zero, so that nobody holds anybody's money.
//
// The package is pure: the same work and the same reward give the same sats
// everywhere. Nothing in it is for concurrent use.
package reward
