// Package avalon emulates Canaan's home miners (Nano 3, Nano 3s, Mini 3 and Q)
// on their CGMiner API, TCP port 4028, in JSON and in text.
//
// Shapes and words of the replies follow the firmware that Canaan published
// for the Nano 3s (cg_miner/cgminer/driver-avalon.c, 2025-01-23) and
// recordings of the others in public projects. Known from these, and emulated:
//
//   - -273 stands for a sensor that is not there, and 0 for the chips'
//     temperature while they are off.
//   - PS holds seven figures, of which the last is watts at the wall. The fifth
//     is the hash board's DC power, 0 when idle and always 0 on the Nano 3s;
//     the sixth is a voltage set-point in hundredths of a volt that looks like
//     watts.
//   - Idle, a Q still draws 146 W in one recording.
//   - GHSmm and GHSavg keep their averages while idle; GHSspd is what is now.
//   - softoff and softon take an instant by the device's own clock, which may
//     be wrong. The Nano 3 and 3s know neither: "Unknown option".
//   - softon may be answered by closing the connection.
//   - While a mode is calibrated, modes cannot be switched. Setting the mode in
//     force does nothing and is OK.
//   - setpool asks for the login of the miner's page, divides at commas, stores
//     one of three pools and repeats the password. What is stored is used, and
//     told by pools, after a reboot. addpool, removepool and poolpriority's kin
//     of CGMiner are not there or not emulated: "Invalid command".
//   - The Mini 3's mode 0, Heating, obeys the thermostat in Canaan's app.
//
// The following are assumptions, not measurements: the idle watts of all but
// the Q; all times (45 s from power to the first answer, 30 s of starting the
// hash board, 60 s to full power, 5 s to zero); that a switch of modes starts
// the hash board anew; that a soft off does not outlast a restart, and the mode
// does; the lower levels of the Nanos; the hash rate of each level; and the
// temperatures but for those that the firmware holds.
package avalon
