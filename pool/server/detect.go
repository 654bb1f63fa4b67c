package server

import "bytes"

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
// that look random, and one in 256 of those begin with a brace; that all
// sixteen look like the beginning of an object happens once in 10¹⁰.
const plausible = 16

// detect tells a protocol by the first bytes of a connection. It answers
// undecided only while fewer than 16 bytes are there.
func detect(b []byte) protocol {
	if len(b) == 0 {
		return undecided
	}
	switch b[0] {
	case '{':
		return detectJSON(b)
	case 0x16: // a TLS record that carries a handshake of version 3.x
		return detectPrefix(b, []byte{0x16, 3}, tlsHello)
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
	for i, c := range b {
		if c == '\n' && i > 1 {
			return stratumV1 // a whole line, however short
		}
		if (c < ' ' || c > '~') && c != '\t' && c != '\r' {
			return stratumV2
		}
	}
	switch rest := bytes.TrimLeft(b[1:], " \t"); {
	case len(rest) > 0 && rest[0] != '"' && rest[0] != '}':
		return stratumV2
	case len(b) < plausible:
		return undecided
	}
	return stratumV1
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
