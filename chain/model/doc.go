// Package model is the chain's registry of models: which may be claimed, and
// whose word that rests on.
//
// A ticket costs what inference costs only on weights without a short cut, so
// nobody registers a model alone. Somebody proposes it with a manifest, a
// licence, places that have the weights, and a deposit. What a manifest alone
// can show, every node checks in the block ([hearth/chain/model/entry]): its one
// encoding, its shapes, and that none of its weight roots was registered before.
// What takes the weights, validators check beside the chain, each for itself
// ([hearth/chain/judge/court]): that the weights are those of the roots, that
// their channels are permuted as the hash of all weights demands, and that the
// manifest refuses exactly the tiles that admission refuses. With more than two
// thirds of power saying fit the model is active, not before a delay is over;
// with a third against it the deposit is burned.
//
// For as long as a model is registered its deposit is a bounty: whoever opens a
// tile that a test of admission refuses shows the whole chain, on the spot, that
// the validators were wrong or lazy. The model is broken then and for ever.
// Governance can suspend a model, for reasons that no test sees.
package model
