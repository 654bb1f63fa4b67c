// Package axeos emulates Bitaxe miners with the ESP-Miner firmware (page:
// AxeOS) and a NerdQAxe+, over real HTTP, as the driver and other clients meet
// them: the fields and their units, the ranges that a PATCH checks, -1 for a
// temperature while the chip is not started, a pause that a restart forgets,
// the count of flash writes, the overheat guard, and no hashing (so no heat)
// without a pool.
//
// The protocol follows ESP-Miner's openapi.yaml and http_server.c and the
// boards its device_config.h; the NerdQAxe+ its http_server.cpp. Those are
// facts.
//
// Pools are as each firmware has them. No password is ever told. A Bitaxe
// before 2.15 has one pool and a fallback, as flat fields, and mines at what it
// had when it booted. From 2.15 on it keeps eight, of which two are selected by
// their numbers; a password written as "*****" is the one that is stored, the
// flat fields are told and no longer taken, and a change is in force at once,
// as on a NerdQAxe, whose fields are flat.
//
// The following are assumptions of this emulator, not measurements:
//
//   - The board draws its factory test's target at the default frequency and
//     voltage, 2 W of it without the chip; the chip's part goes with the
//     frequency and the square of the voltage.
//   - The allowance that the firmware adds for supply and fan is exact, so the
//     firmware's estimate is the true draw from the wall unless the fault
//     LyingWatts falsifies it.
//   - Boot takes 10 s until HTTP answers and 5 s more until the chip is
//     started; the frequency then rises by 62.5 MHz a second; the hash rate
//     is an average over some 20 s; the chip's temperature settles with a time
//     constant of 45 s.
//   - The NerdQAxe+ draws 56 W at its default.
package axeos
