// Package furnace keeps a computer that heats busy with useful work.
//
// A [Furnace] is what fills the slot of the driver "computer". Who has work
// enters: an answer that may wait for heat, a folder whose texts are to be
// found by meaning. It asks for a turn before each portion of its work, a
// fraction of a second long, and waits until heat is wanted; between turns it
// rests for as long as the slot's share of the time demands. While nobody has
// work, the fallback takes the slot: dumb heat, which says that it is.
//
// Work that somebody waits for, such as an answer in a chat, does not ask for
// turns; it is only counted. All that a computer draws is heat, whoever asked
// for the work.
package furnace
