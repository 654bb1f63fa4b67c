// Package pool is the mining of a home, a street or an operator with a thousand
// homes: heaters that hash come in at one port, and every sat that their work
// earns is shared as was agreed.
//
// A [Service] stands between heaters and whoever pays. It admits paired miners
// only, gives each of them work, checks what they return, writes what it was
// worth into the ledger, and hands on what is wanted elsewhere. In which way
// depends on its role: a proxy stands in front of pools, solo makes blocks on a
// Bitcoin node for the parties of one agreement, and a pool does so for miners
// that do not share a household.
//
// The parts are small and know little of each other: package job is one piece
// of work, share one miner's right to submit, stratum1 and stratum2 the two
// protocols and stratum what they have in common, server the port, upstream and
// node those who give work, split and reward the ways to divide, agreement the
// contract, account the book, journal the memory of shares, payout the way of
// money out of the house.
//
// When nobody gives work, heaters must not go cold: the service makes work that
// nobody pays, says so everywhere, and ends it as soon as there is other work.
package pool
