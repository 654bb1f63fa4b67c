// Package devicetest is the suite that every driver passes, against its
// emulator, over a real socket.
//
// A driver's test gives [Run] a function that makes a [Bench]: the driver's
// device, the levers of the emulator behind it and a way to let emulated time
// pass. Each check of [Checks] gets a bench of its own. Nothing in the suite
// sleeps for emulated time.
//
// What the suite holds a driver to is the contract of package device: unknown
// is never zero, a command is believed only when read back, a watt never
// claims a better source than it has, and a power command touches nothing but
// power.
//
// A device is used by one goroutine at a time; two devices of one kind are
// used at once, and must share nothing. Run the suite with -race to hold a
// driver to that.
package devicetest
