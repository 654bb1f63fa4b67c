// Package avalon drives Canaan's home miners (Avalon Nano 3 and 3s, Mini 3 and
// Q) through their CGMiner API on TCP port 4028.
//
// The figures come from one string of keys and values; [Miner.Read] says what
// they mean. Facts about it are from the firmware that Canaan published for
// the Nano 3s (cg_miner/cgminer/driver-avalon.c, 2025-01-23) and from
// recordings of the others.
//
// Watts are the seventh figure of PS and no other: the firmware takes the
// power at the wall from there. The fifth, which others take, is the hash
// board's DC power and misses 5 to 10 %; the sixth, which others take when the
// fifth is zero, is a voltage set-point that looks like 2245 W on an idle Q. The
// provenance is psu, because the power supply measures it and tells the
// firmware; it is not a meter, and where a meter exists it comes first.
//
// Pausing is a soft off at an instant of the miner's own clock, which may be
// wrong, so the instant is reckoned from the clock in a reply. Which miners
// have it is asked of the miner: the Nano 3 and 3s answered "Unknown option".
//
// The Mini 3 is driven in its mode Mining: in Heating it obeys the thermostat
// in Canaan's app, and two thermostats would fight.
//
// Pools are set with Canaan's own command setpool, which asks for the login of
// the miner's page, stores one of three pools and is obeyed after a reboot. It
// cannot leave a password as it is: that is said ([device.Pools.Notes]), and
// only places that must change are written.
//
// The miners keep their level when Hearth stops: they have no dead-man timer.
package avalon
