package explorer

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hearth/chain/coin"
	"hearth/chain/work"
	inference "hearth/infer/model"
)

// plain makes a text that a stranger wrote harmless to read: what cannot be
// seen, or turns what follows, is shown as �. It is cut at a length that no
// honest name has.
func plain(s string) string {
	const most = 2000
	var b strings.Builder
	n := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case unicode.Is(unicode.C, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Mn, r) && n == 1:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// number sets thousands apart.
func number[T int | int64 | uint64 | uint32 | int32](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	if n > 0 {
		s = strconv.FormatUint(uint64(n), 10)
	}
	sign := ""
	if s[0] == '-' {
		sign, s = "−", s[1:]
	}
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(",")
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// macs writes multiply-accumulates with three figures that count.
func macs(n uint64) string { return scaled(n, 0) }

// mega writes millions of them.
func mega(n uint64) string { return scaled(n, 2) }

// scaled writes n times a thousand to the power of a prefix.
func scaled(n uint64, prefix int) string {
	const prefixes = " kMGTPEZY"
	if n == 0 {
		prefix = 0
	}
	scale := uint64(1)
	for ; n/scale >= 1000; prefix++ {
		scale *= 1000
	}
	digits := 0 // after the point
	unit := scale
	for ; digits < 2 && unit >= 10 && n/unit < 100; digits++ {
		unit /= 10
	}
	rounded := n / unit
	if n%unit >= unit-unit/2 {
		rounded++
	}
	switch { // rounding may need another figure: 9.996 is 10.0, 999.6 k is 1.00 M
	case rounded == 1000 && digits > 0:
		rounded, digits = 100, digits-1
	case rounded == 1000 && scale > 1:
		rounded, digits, prefix = 100, 2, prefix+1
	}
	text := strconv.FormatUint(rounded, 10)
	if digits > 0 {
		text = text[:len(text)-digits] + "." + text[len(text)-digits:]
	}
	return text + " " + strings.TrimSpace(prefixes[prefix:prefix+1]) + "MAC"
}

// hth writes an amount of the smallest unit.
func hth(uhth uint64) string {
	whole, rest := uhth/coin.Unit, uhth%coin.Unit
	text := number(whole)
	if rest > 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%06d", rest), "0")
	}
	return text + " " + coin.Display
}

// share writes part of whole in per cent with one decimal. What is not quite
// all, or not quite nothing, is never rounded to it.
func share(part, whole uint64) string {
	if whole == 0 {
		return "–"
	}
	if part >= whole {
		return "100 %"
	}
	hi, lo := bits.Mul64(part, 1000)
	lo, carry := bits.Add64(lo, whole/2, 0)
	tenths, _ := bits.Div64(hi+carry, lo, whole) // part < whole, so hi < whole
	switch {
	case part == 0:
		return "0 %"
	case tenths == 0:
		return "under 0.1 %"
	case tenths >= 1000:
		tenths = 999
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

func permille(n uint32) string {
	if n%10 == 0 {
		return fmt.Sprintf("%d %%", n/10)
	}
	return fmt.Sprintf("%d.%d %%", n/10, n%10)
}

// brief shortens a hash or an address so that two can still be told apart.
func brief(s string) string {
	if len(s) <= 18 {
		return s
	}
	return s[:10] + "…" + s[len(s)-6:]
}

func when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// name makes words of a value of an enumeration: CLAIM_STATUS_OPEN is open.
func name(constant, prefix string) string {
	s := strings.ToLower(strings.TrimPrefix(constant, prefix))
	return strings.ReplaceAll(s, "_", " ")
}

func class(c work.Class) string {
	switch c {
	case work.CLASS_PAID:
		return "paid"
	case work.CLASS_AUDIT:
		return "audit"
	case work.CLASS_COMMONS:
		return "commons"
	}
	return "unknown"
}

// product names the matrix product that a ticket was found in.
func product(layer, kind uint32) string {
	if kind > uint32(inference.Head) {
		return fmt.Sprintf("layer %d, kind %d", layer, kind)
	}
	return inference.Operation{Layer: int(layer), Kind: inference.OperationKind(kind)}.String() //nolint:gosec // at most Head
}

// hash reads a hash of 32 bytes in hexadecimal, in either case.
func hash(s string) (string, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(s), "0x"))
	if err != nil || len(b) != 32 {
		return "", malformed("%q is not a hash: expected 64 hexadecimal digits.", plain(s))
	}
	return hex.EncodeToString(b), nil
}
