// Package upstream connects the house to mining pools.
//
// A [Client] is one pool: it connects, logs in, hands out jobs, sends shares,
// says what became of each, and connects again when the connection ends, later
// and later as long as that fails. A [Group] is several pools in order of
// preference: it mines at the first, goes to the next when that one fails, and
// comes back when it has been steady for a while. [Probe] finds out whether a
// pool credits several workers on one connection.
//
// Pools are addressed by URL:
//
//	stratum+tcp://host:port           Stratum V1
//	stratum+tls://host:port           Stratum V1 over TLS; stratum+ssl is the same
//	stratum2+tcp://host:port/KEY      Stratum V2; KEY is the pool's authority
//
// A pool is not trusted. What it sends is bounded in size and rate, it cannot
// send the house to another host, and a pool that falls silent, leaves shares
// without an answer or takes no more bytes is left.
//
// Every share that Submit takes gets exactly one [Answer]. Where the connection
// ends before the pool has spoken, the outcome is Unknown: neither accepted nor
// rejected.
package upstream
