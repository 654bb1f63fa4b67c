// Package stratum is what the versions of Stratum have in common, seen from the
// miner's end: who mines at a pool, how fast it may give out jobs, and what it
// makes of a share.
//
// Packages stratum1 and stratum2 speak the protocols. Whoever mines can talk of
// shares without knowing in which of them they went out.
package stratum
