// Package server is the one port at which heaters and miners bring their work:
// Stratum V1 and V2 side by side, told apart by the first bytes of a
// connection.
//
// # The way of a share
//
// A connection has one goroutine, which does nothing but wait until something
// comes. It then borrows a hand: a goroutine with the stack and the buffers that
// it takes to hear a message. The hand passes it to the session of the protocol
// (packages stratum1 and stratum2), sends what the session answers, and tells
// the [Desk] what became of a share. Who may mine, for whom, and what the work
// was worth is the Desk's business. So ten thousand quiet miners cost a small
// stack each and what is remembered of them, and no buffer.
//
// # The way of a job
//
// [Server.Publish] makes a job the newest of its source. For V1 it is encoded
// once, and the same bytes go to everybody who mines there; nothing in them is
// a miner's own. A worker mines one source at a time; [Server.Move] sends it to
// another with nothing but a job that starts afresh, without a reconnect.
//
// Jobs are never queued. A connection that cannot take what it is sent yet is
// passed over, and when it has caught up it gets the job that is newest then.
// So a slow reader costs one job's bytes, never two, and is closed when it
// does not catch up in [Config].Stall.
//
// # What a stranger can cost
//
// Everybody may connect, so everything has a bound: connections in all and of
// one address, the length of a line and of a frame, messages in a second, the
// bytes that wait to be read, the time until somebody has logged in, and the
// time without a word. Noise handshakes, the one thing that costs a processor
// much, run on few goroutines at a time. Who logs in in vain again and again,
// or sends mostly work that is worth nothing, is turned away for some minutes.
// A panic ends one connection, not the server.
//
// All deadlines but that of a blocked write, and the timer path of the
// difficulty, hang on one wheel that looks at every connection once in
// [Config].Turn.
package server
