// Package frame is the side that every module of the chain turns to the
// application.
//
// The SDK's manager asks the same of each: what it is called, which messages it
// takes, where its queries are served, and how its state is written into a
// genesis file and read from one. The answers differ in their words and not in
// their form. A module states its own as [Parts] and embeds the [Module] that
// [New] makes of them; what it does at the ends of a block it adds itself, for
// there the modules differ.
//
// One of them decides who validates, and the SDK has another form for the
// beginning of its state. It embeds [Base], which is a Module without that
// beginning, and reads its genesis with [Base.ReadGenesis].
//
// The manager gives a module no way to say that a genesis cannot be begun or
// exported, or that its routes cannot be had, except a panic. So these methods
// panic, as the SDK's own do: the node that starts or exports stops there. None
// of them is called with what a stranger sends.
package frame
