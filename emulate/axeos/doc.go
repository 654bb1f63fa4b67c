// Package axeos emulates Bitaxe miners with the ESP-Miner firmware (page:
// AxeOS) and a NerdQAxe+, over real HTTP, as the driver and other clients meet
// them: the fields and their units, the ranges that a PATCH checks, -1 for a
// temperature while the chip is not started, a pause that a restart forgets,
// the count of flash writes, the overheat guard, and no hashing (so no heat)
// without a pool.
//
// The protocol follows ESP-Miner's openapi.yaml and http_server.c and the
// boards its device_config.h; the NerdQAxe+ its http_server.cpp. Those are
// facts. The following are assumptions of this emulator, not measurements:
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
