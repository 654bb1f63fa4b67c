package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Bech32 (BIP-173): five bits to a character and six characters of checksum.
const (
	bech32Letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
	bech32Sum     = 6
	// bech32Most is the longest text that is read: what the SDK allows is more,
	// what an address needs is less.
	bech32Most = 128
)

// encodeBech32 writes bytes with a prefix of lower-case letters.
func encodeBech32(prefix string, data []byte) string {
	groups := regroup(data, 8, 5)
	sum := checksum(prefix, append(groups, make([]byte, bech32Sum)...)) ^ 1
	var s strings.Builder
	s.WriteString(prefix)
	s.WriteByte('1')
	for _, g := range groups {
		s.WriteByte(bech32Letters[g])
	}
	for i := range bech32Sum {
		s.WriteByte(bech32Letters[sum>>(5*(bech32Sum-1-i))&31])
	}
	return s.String()
}

// decodeBech32 reads what encodeBech32 writes, in lower or in upper case.
func decodeBech32(s string) (prefix string, data []byte, err error) {
	if len(s) > bech32Most {
		return "", nil, fmt.Errorf("%d characters are too many", len(s))
	}
	lower := strings.ToLower(s)
	if s != lower && s != strings.ToUpper(s) {
		return "", nil, errors.New("upper and lower case are mixed")
	}
	cut := strings.LastIndexByte(lower, '1')
	if cut < 1 || len(lower)-cut-1 < bech32Sum {
		return "", nil, errors.New("it is not a prefix, a 1 and at least six characters")
	}
	for _, c := range []byte(lower[:cut]) {
		if c < '!' || c > '~' {
			return "", nil, errors.New("the prefix has a character that is not printable ASCII")
		}
	}
	groups := make([]byte, 0, len(lower))
	for i, c := range []byte(lower[cut+1:]) {
		g := strings.IndexByte(bech32Letters, c)
		if g < 0 {
			return "", nil, fmt.Errorf("the character at %d is not one of bech32", cut+2+i)
		}
		groups = append(groups, byte(g))
	}
	if checksum(lower[:cut], groups) != 1 {
		return "", nil, errors.New("the checksum does not fit: a character is wrong or missing")
	}
	groups = groups[:len(groups)-bech32Sum]
	spare := len(groups) * 5 % 8
	if spare >= 5 || len(groups) > 0 && groups[len(groups)-1]&(1<<spare-1) != 0 {
		return "", nil, errors.New("it does not end on a whole byte")
	}
	data = regroup(groups, 5, 8)
	return lower[:cut], data[:len(groups)*5/8], nil
}

// regroup cuts a row of from-bit groups into to-bit groups, the last filled up
// with zeros.
func regroup(in []byte, from, to uint) []byte {
	out := make([]byte, 0, (len(in)*int(from)+int(to)-1)/int(to)+bech32Sum)
	var acc uint32
	var have uint
	for _, g := range in {
		acc = acc<<from | uint32(g)
		for have += from; have >= to; {
			have -= to
			out = append(out, byte(acc>>have&(1<<to-1)))
		}
	}
	if have > 0 {
		out = append(out, byte(acc<<(to-have)&(1<<to-1)))
	}
	return out
}

// checksum is the BCH code of BIP-173 over the prefix and the groups; it is 1
// when the last six groups are the checksum of the rest.
func checksum(prefix string, groups []byte) uint32 {
	c := uint32(1)
	step := func(v byte) {
		top := c >> 25
		c = c&0x1ffffff<<5 ^ uint32(v)
		for i, g := range [...]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
			if top>>i&1 == 1 {
				c ^= g
			}
		}
	}
	for _, p := range []byte(prefix) {
		step(p >> 5)
	}
	step(0)
	for _, p := range []byte(prefix) {
		step(p & 31)
	}
	for _, g := range groups {
		step(g)
	}
	return c
}
