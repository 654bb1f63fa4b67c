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
		high, low := digit(text[2*i]), digit(text[2*i+1])
		bad |= high | low
		h[31-i] = high<<4 | low
	}
	if bad > 15 {
		return Hash{}, errors.New("a hash has hexadecimal digits only")
	}
	return h, nil
}

// digit is the value of a hexadecimal digit; more than 15 if it is none.
func digit(b byte) byte {
	switch {
	case b >= '0' && b <= '9':
		return b - '0'
	case b >= 'a' && b <= 'f':
		return b - 'a' + 10
	case b >= 'A' && b <= 'F':
		return b - 'A' + 10
	}
	return 0xff
}
