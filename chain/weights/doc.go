// Package weights keeps the weights of registered models on a node: a folder of
// model files under their ids, fetched over HTTP, verified before they are put
// in place, served to others, and loaded for whoever checks tickets.
//
// Weights never pass through consensus. A chain knows a model by the hash of its
// manifest, which binds every matrix, so it does not matter who serves a file:
// what comes is held to the id, matrix by matrix, its channels are held to the
// permutation that follows from all weights, and admission examines which tiles
// may be mined. That happens once, before the file gets its name; what has a name
// is whole. Loading it again hashes all of it again.
//
// A file's own list of refused tiles, which its id does not bind, is set right
// when it is taken in, so that [Store.Fit] compares a registered manifest with
// what is true and not with what a source says.
//
// Addresses that come from a chain are anybody's: they are asked only where they
// lead to public addresses, for one path that ends in the model's id, and for no
// more bytes than the model can have.
package weights
