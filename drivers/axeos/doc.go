// Package axeos drives Bitaxe miners (firmware ESP-Miner, page AxeOS) and
// their relatives of the NerdQAxe family over HTTP on port 80.
//
// A Bitaxe is a heater of 10 to 120 W. It has no watt target: its power
// follows the frequency of its chips, and each change of frequency is written
// to flash. So a frequency is a [device.Level], to be changed rarely, and
// pause and resume, which touch no flash, do the daily work. Pause came with
// ESP-Miner 2.14; a miner that runs an older firmware can be turned down to
// its lowest frequency but not stopped. A NerdQAxe has no pause either: it is
// shut down, and only a restart brings it back.
//
// The core voltage is never written. A frequency at or below the one that the
// maker or the owner paired with the present voltage is stable at that
// voltage, so only those are offered. Nothing but frequency, pause, resume,
// shutdown, restart and identify is ever sent to make heat: pools and all other
// settings stay as they are.
//
// Pools change when a person asks for it ([Miner.SetPools]). A Bitaxe before
// ESP-Miner 2.15 has a pool and a fallback in flat fields, told without their
// passwords, and restarts to use others; a NerdQAxe has the same and reconnects
// at once. From 2.15 on a Bitaxe keeps eight pools, two of which are selected:
// there Hearth fills a free place and selects it, and no password is lost.
//
// Power is what the firmware reckons: input power plus a fixed allowance for
// the power supply and fan of the family. It is an estimate.
//
// Sources: ESP-Miner main/http_server/openapi.yaml, http_server.c and
// main/device_config.h (bitaxeorg/ESP-Miner), NerdQAxe+ http_server.cpp
// (shufps/ESP-Miner-NerdQAxePlus). Read for facts; both are GPL and nothing of
// them is copied.
package axeos
