package server

import (
	"bytes"
	"encoding/json"
)

// protocol is what a connection speaks.
type protocol uint8

const (
	undecided protocol = iota // more bytes are needed
	stratumV1
	stratumV2
	http     // a browser, or somebody who looks what is here
	tlsHello // wants encryption that V1 on this port does not have
)

// plausible is how many bytes must look like JSON before a connection that
// begins with a brace is taken for V1. A V2 connection begins with 64 bytes
// that look random, and one in 256 of those begin with a brace; that a quote
// and fourteen characters of text follow happens once in 5·10¹⁰.
const plausible = 16

// clientHello is how TLS begins: a record of a handshake of version 3.x, its
// length, a ClientHello, its length, the version (RFC 8446, sections 4 and
// 5.1). Of the lengths only that they are possible is looked at. Less of it
// would not do: one V2 connection in 65,536 begins with the first two bytes,
// and once in 10¹⁶ with all eleven.
const clientHello = 11

// detect tells a protocol by the first bytes of a connection. It answers
// undecided only while fewer than 16 bytes are there.
func detect(b []byte) protocol {
	if len(b) == 0 {
		return undecided
	}
	switch b[0] {
	case '{':
		return detectJSON(b)
	case 0x16:
		return detectTLS(b)
	case 'G':
		return detectPrefix(b, []byte("GET /"), http)
	case 'H':
		return detectPrefix(b, []byte("HEAD /"), http)
	case 'P':
		return detectPrefix(b, []byte("POST /"), http)
	}
	return stratumV2
}

func detectJSON(b []byte) protocol {
	b = b[:min(len(b), plausible)]
	if line, _, whole := bytes.Cut(b, []byte("\n")); whole {
		if named(line) && json.Valid(line) {
			return stratumV1 // however short
		}
		return stratumV2
	}
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\t' && c != '\r' {
			return stratumV2
		}
	}
	switch {
	case !named(b):
		return stratumV2
	case len(b) < plausible:
		return undecided
	}
	return stratumV1
}

// named tells whether the first thing in an object is a name, as far as can be
// seen: a request has some.
func named(object []byte) bool {
	rest := bytes.TrimLeft(object[1:], " \t")
	return len(rest) == 0 || rest[0] == '"'
}

func detectTLS(b []byte) protocol {
	b = b[:min(len(b), clientHello)]
	for i, c := range b {
		if !inClientHello(i, c) {
			return stratumV2
		}
	}
	if len(b) < clientHello {
		return undecided
	}
	return tlsHello
}

// inClientHello tells whether c can be a ClientHello's byte i.
func inClientHello(i int, c byte) bool {
	switch i {
	case 0: // a record of a handshake
		return c == 0x16
	case 1, 9: // the versions: 3.0 to 3.4
		return c == 3
	case 2, 10:
		return c <= 4
	case 3: // the record's length: 2^14 at most
		return c <= 0x40
	case 5: // ClientHello
		return c == 1
	case 6: // its length, in three bytes
		return c == 0
	}
	return true
}

func detectPrefix(b, prefix []byte, p protocol) protocol {
	switch {
	case bytes.HasPrefix(b, prefix):
		return p
	case bytes.HasPrefix(prefix, b):
		return undecided
	}
	return stratumV2
}
