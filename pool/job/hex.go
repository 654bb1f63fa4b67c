package job

import (
	"errors"
	"fmt"
)

// reversed reads the 64 hexadecimal digits of a hash as nodes write it, the most
// significant first. A template has thousands.
func reversed(text []byte) (Hash, error) {
	var h Hash
	if len(text) != 2*len(h) {
		return h, fmt.Errorf("a hash has 64 hexadecimal digits, not %d", len(text))
	}
	var bad byte
	for i := range h {
		high, low := digits[text[2*i]], digits[text[2*i+1]]
		bad |= high | low
		h[31-i] = high<<4 | low
	}
	if bad > 15 {
		return Hash{}, errors.New("a hash has hexadecimal digits only")
	}
	return h, nil
}

// digits are the values of the 256 bytes as hexadecimal digits; more than 15 for
// those that are none.
const (
	none   = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	ten    = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\xff\xff\xff\xff\xff\xff"
	six    = "\xff\x0a\x0b\x0c\x0d\x0e\x0f\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	digits = none + none + none + ten + six + none + six + none + none + none + none + none + none + none + none + none
)
