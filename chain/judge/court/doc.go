// Package court is what a validator does beside the chain: it judges open trials
// and reads the weights of proposed models.
//
// A Court asks its node what is open, most urgent first, runs each claim's job
// once on a [hearth/chain/judge.Bench], and sends a verdict under seal; when the
// chain no longer takes verdicts it sends the digest that opens the seals. On its
// other hand it fetches the weights of models that are registered, and says of
// proposals whether they are fit.
//
// Nothing of it is in the way of consensus: blocks count verdicts and wait for
// none. It holds to a share of one processor's time. It keeps nothing on disk:
// what it has said stands on the chain, and a digest that it forgot in a restart
// follows from the job again. A verdict follows from the claim alone, so a court
// that is killed at any moment and begins anew says what it would have said.
package court
