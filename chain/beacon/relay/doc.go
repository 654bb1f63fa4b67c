// Package relay brings the rounds of a drand beacon from its HTTP relays to a
// node.
//
// A [Client] asks several relays, one after the other, until one gives a round
// that verifies: who runs a relay can be silent, and nothing else. A [Feed]
// keeps the rounds that follow the last one a chain has recorded, so that a
// proposer has them at hand and waits for nobody. A [Local] is a beacon with
// one key that serves the same API, for networks that are only tried out.
//
// Both versions of drand's API are spoken:
//
//	v2: /v2/chains/{hash}/rounds/{round}   v1: /{hash}/public/{round}
//	    /v2/chains/{hash}/info                 /{hash}/info
//
// A round of the future is 404 or, in v2, 425.
package relay
