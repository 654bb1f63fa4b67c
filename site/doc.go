// Package site is the runtime of one home. It reads every device and sensor
// in a supervised goroutine of its own, hands what is known to package
// control, carries out what control decides, believes a command only when it
// is read back, and writes what happened to the ledger.
//
// A site takes its devices, sensors and stores from outside and knows no
// driver. A driver that hangs or panics takes nothing else down.
//
// [State] is the one view of a home: the page, the API, the command line and
// Home Assistant all show it.
package site
