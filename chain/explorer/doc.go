// Package explorer is the pages that a node serves about its chain: what work
// was done and what came of it, who validates, what was minted, block by block.
//
// The first page begins with the one figure that the network is for: how much
// of the work that was credited was verified, and useful to whom. Everything
// else can be reached from there by links, or found by hash, address or height.
//
// Pages are made on the server, work without a script and load nothing from
// elsewhere; a small ES module fetches the page again after a block. They only
// read: there is no form but the search. What strangers wrote into the chain
// (names, titles, addresses of files) is text here and never markup, and
// characters that would hide or turn it are made visible.
//
// Everything comes from the queries of the chain's modules and from CometBFT,
// through [Source]; the package keeps no state of its own but a sum over epochs
// that are over.
package explorer
