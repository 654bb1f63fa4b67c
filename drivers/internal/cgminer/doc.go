// Package cgminer speaks the API of CGMiner and its descendants on TCP port
// 4028: one request to a connection, answered in JSON or in CGMiner's own
// text form, ended by a NUL, a newline, the end of the connection or silence.
//
// Firmware of this family is careless with JSON. [Decode] repairs the faults
// that are known from the field (ckolivas/cgminer API-README for the protocol;
// the faults are those that clients such as pyasic work around): a NUL at the
// end, a comma before a brace, a comma missing between objects or strings, raw
// line breaks in strings, inf and nan, a lost head. What cannot be repaired
// without guessing, such as an answer that breaks off, is
// [device.ErrGarbage], and a number that is none is absent, never zero.
package cgminer
