package bolt11

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
)

// MaxLength bounds an invoice's text. Wallets write some 300 to 1,000 signs.
const MaxLength = 8192

// defaultExpiry holds for an invoice that does not say.
const defaultExpiry = time.Hour

// maxExpiry bounds what an invoice says of its own expiry, so that times stay
// times: a hundred years.
const maxExpiry = 100 * 365 * 24 * time.Hour

// margin is how long an invoice must be good for when a payment of it is
// prepared: the ticket has to be stored, and then paid.
const margin = 30 * time.Second

// ahead is how far an invoice may be dated ahead, for clocks that disagree. A
// wallet that lists payments by time is searched from the invoice's day on.
const ahead = 12 * time.Hour

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Network is which chain an invoice is of: the part of its beginning behind
// "ln".
type Network string

// The networks.
const (
	Mainnet Network = "bc"
	Testnet Network = "tb"
	Signet  Network = "tbs"
	Regtest Network = "bcrt"
	Simnet  Network = "sb"
)

// Invoice is what an invoice says.
type Invoice struct {
	Network Network
	// Millisats is the amount; 0 is any amount, as the payer likes.
	Millisats int64
	At        time.Time
	Expires   time.Time
	// PaymentHash is what the payment is known by everywhere: its preimage is
	// the proof of payment.
	PaymentHash Hash
	// Description is what the payment is for; empty if only its hash is there.
	Description string
	// DescriptionHash commits to a description that is told elsewhere. It counts
	// when Hashed is set.
	DescriptionHash Hash
	Hashed          bool
	// Payee is the compressed public key that signed the invoice.
	Payee [33]byte
}

// ErrInvalid is wrapped by every error of Decode.
var ErrInvalid = errors.New("not a valid Lightning invoice")

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// Decode reads an invoice and checks its signature. The text may begin with
// "lightning:" and be upper case.
func Decode(text string) (Invoice, error) {
	text = strings.TrimSpace(text)
	if len(text) >= len("lightning:") && strings.EqualFold(text[:len("lightning:")], "lightning:") {
		text = text[len("lightning:"):]
	}
	if len(text) > MaxLength {
		return Invoice{}, invalid("%d signs long; %d are read", len(text), MaxLength)
	}
	prefix, words, err := bech32.DecodeNoLimit(text)
	if err != nil {
		return Invoice{}, invalid("%v", err)
	}
	var in Invoice
	if err := in.head(prefix); err != nil {
		return Invoice{}, err
	}
	// Seven words of time, a hundred and four of signature.
	if len(words) < 7+104 {
		return Invoice{}, invalid("it is too short")
	}
	body, signature := words[:len(words)-104], words[len(words)-104:]
	in.At = time.Unix(int64(number(body[:7])), 0).UTC()
	in.Expires = in.At.Add(defaultExpiry)
	payee, err := in.fields(body[7:])
	if err != nil {
		return Invoice{}, err
	}
	return in, in.check(prefix, body, signature, payee)
}

// head reads network and amount: "lnbc2500u".
func (in *Invoice) head(prefix string) error {
	rest, ok := strings.CutPrefix(prefix, "ln")
	if !ok {
		return invalid("it begins with %.8q, not with ln", prefix)
	}
	// The longest first: bcrt begins with bc, tbs with tb.
	for _, n := range []Network{Regtest, Signet, Mainnet, Testnet, Simnet} {
		amount, ok := strings.CutPrefix(rest, string(n))
		if !ok || amount != "" && (amount[0] < '0' || amount[0] > '9') {
			continue
		}
		in.Network = n
		var err error
		in.Millisats, err = readAmount(amount)
		return err
	}
	return invalid("%.12q is of no network that is known", prefix)
}

// readAmount reads digits and a letter for the unit, in bitcoin.
func readAmount(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	// Millisats in one of the unit; a pico-bitcoin is a tenth of one.
	units := map[byte]int64{'m': 100_000_000, 'u': 100_000, 'n': 100, 'p': 0}
	digits, unit := s, int64(100_000_000_000)
	pico := false
	if last := s[len(s)-1]; last < '0' || last > '9' {
		u, ok := units[last]
		if !ok {
			return 0, invalid("%q is no unit of an amount", last)
		}
		digits, unit, pico = s[:len(s)-1], u, last == 'p'
	}
	if digits == "" || digits[0] == '0' || len(digits) > 18 {
		return 0, invalid("%.30q is no amount", s)
	}
	var n int64
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return 0, invalid("%.30q is no amount", s)
		}
		n = 10*n + int64(d-'0')
	}
	switch {
	case pico && n%10 != 0:
		return 0, invalid("%.30q is a fraction of a millisat", s)
	case pico:
		return n / 10, nil
	case n > math.MaxInt64/unit:
		return 0, invalid("%.30q is more than there is", s)
	}
	return n * unit, nil
}

// number reads words of five bits, the highest first.
func number(words []byte) uint64 {
	var n uint64
	for _, w := range words {
		n = n<<5 | uint64(w)
	}
	return n
}

// The tags of fields.
const (
	tagHash        = 1
	tagDescription = 13
	tagPayee       = 19
	tagDescribed   = 23
	tagExpiry      = 6
)

// fields reads the tagged fields. Of two of a kind the first counts; what is
// unknown or of another length is passed over, as BOLT 11 wants it. It returns
// the payee's key if the invoice names it.
func (in *Invoice) fields(words []byte) (payee []byte, err error) {
	seen := map[byte]bool{}
	for len(words) > 0 {
		if len(words) < 3 {
			return nil, invalid("a field breaks off")
		}
		tag, length := words[0], int(number(words[1:3]))
		if len(words) < 3+length {
			return nil, invalid("a field breaks off")
		}
		field := words[3 : 3+length]
		words = words[3+length:]
		want := map[byte]int{tagHash: 52, tagDescribed: 52, tagPayee: 53}
		if n, fixed := want[tag]; seen[tag] || fixed && length != n {
			continue
		}
		switch tag {
		case tagHash, tagDescribed, tagPayee, tagDescription:
			b, err := bytesOf(field)
			if err != nil {
				return nil, err
			}
			switch tag {
			case tagHash:
				copy(in.PaymentHash[:], b)
			case tagDescribed:
				copy(in.DescriptionHash[:], b)
				in.Hashed = true
			case tagPayee:
				payee = b
			default:
				if !utf8.Valid(b) {
					return nil, invalid("its description is not text")
				}
				in.Description = string(b)
			}
		case tagExpiry:
			if length > 12 {
				return nil, invalid("its expiry cannot be")
			}
			in.Expires = in.At.Add(time.Duration(min(number(field), uint64(maxExpiry/time.Second))) * time.Second)
		default:
			continue
		}
		seen[tag] = true
	}
	switch {
	case !seen[tagHash]:
		return nil, invalid("it has no payment hash")
	case !seen[tagDescription] && !seen[tagDescribed]:
		return nil, invalid("it says nothing of what it is for")
	}
	return payee, nil
}

// bytesOf turns words into bytes. The bits that are left over must be zero.
func bytesOf(words []byte) ([]byte, error) {
	b, err := bech32.ConvertBits(words, 5, 8, true)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if len(words)*5%8 == 0 {
		return b, nil
	}
	if b[len(b)-1] != 0 {
		return nil, invalid("a field has bits left over")
	}
	return b[:len(words)*5/8], nil
}

// check verifies the signature, by the key that the invoice names or the one
// that the signature gives away.
func (in *Invoice) check(prefix string, body, signature, payee []byte) error {
	data, err := bech32.ConvertBits(body, 5, 8, true)
	if err != nil {
		return invalid("%v", err)
	}
	sig, err := bech32.ConvertBits(signature, 5, 8, false)
	if err != nil || len(sig) != 65 || sig[64] > 3 {
		return invalid("its signature is malformed")
	}
	hash := sha256.Sum256(append([]byte(prefix), data...))
	key, _, err := ecdsa.RecoverCompact(append([]byte{27 + 4 + sig[64]}, sig[:64]...), hash[:])
	if err != nil {
		return invalid("nobody can have signed it: %v", err)
	}
	if payee != nil {
		named, err := btcec.ParsePubKey(payee)
		if err != nil {
			return invalid("the payee that it names is no key: %v", err)
		}
		var r, s btcec.ModNScalar
		if r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:64]) || !ecdsa.NewSignature(&r, &s).Verify(hash[:], named) {
			return invalid("the payee that it names did not sign it")
		}
		key = named
	}
	copy(in.Payee[:], key.SerializeCompressed())
	return nil
}

// Payable says why a wallet of a network is not to pay an amount with the
// invoice at a time; nil: it may.
func (in Invoice) Payable(millisats int64, wallet Network, now time.Time) error {
	switch {
	case in.Millisats != millisats:
		return fmt.Errorf("the invoice is of %d msat, not of %d", in.Millisats, millisats)
	case in.Network != wallet:
		return fmt.Errorf("the invoice is of the network ln%s, the wallet of ln%s", in.Network, wallet)
	case in.At.After(now.Add(ahead)):
		return fmt.Errorf("the invoice is of %s, which is still to come: see whether both clocks are right", in.At.Format(time.RFC3339))
	case now.Add(margin).After(in.Expires):
		return fmt.Errorf("the invoice expires at %s already", in.Expires.Format(time.RFC3339))
	}
	return nil
}

// Paid reports whether a preimage, in hexadecimal, proves that the invoice was
// paid.
func (in Invoice) Paid(preimage string) bool {
	b, err := hex.DecodeString(preimage)
	return err == nil && len(b) == 32 && Hash(sha256.Sum256(b)) == in.PaymentHash
}
