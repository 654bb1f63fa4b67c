// Package pooltest has what tests of mining and payouts talk to: real peers,
// started on free ports of the loopback interface with data of their own, and
// ended with the test whatever happens to it.
//
// btcd and lnd are built from their sources at exact versions, which
// tools/btcd/go.mod and tools/lnd/go.mod name, once for each version: in the
// folder $HEARTH_PEERS, or hearth-peers in the user's folder of caches. lnd
// takes some minutes. So outside CI, and without $HEARTH_PEERS, a test whose
// peer is not built yet is skipped, and says how to have it built; with -short
// it is skipped always.
package pooltest
