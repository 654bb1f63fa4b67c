package job

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hearth/internal/jsonscan"
)

// Network is a Bitcoin network: the prefix of its addresses and how often its
// subsidy halves.
type Network string

// The networks.
const (
	Mainnet Network = "mainnet"
	Testnet Network = "testnet" // testnet 3 and 4
	Signet  Network = "signet"
	Regtest Network = "regtest" // as btcd has it: the subsidy halves each 150 blocks
	Simnet  Network = "simnet"  // btcd's own
)

// Template is a block as a node proposes it, without its coinbase. It is not
// changed once it is parsed.
type Template struct {
	Head
	Target       Target
	Coinbase     int64  // what the coinbase may pay out, in sats: subsidy and fees
	Flags        []byte // to be put into the coinbase as they are
	Transactions []Transaction
	Rules        []string
	// Commitment is the witness commitment, 32 bytes, as computed here; nil if
	// the block does without.
	Commitment []byte
	// LongPoll is what to ask the node with to wait for the next template;
	// empty if it cannot wait.
	LongPoll string
	// WeightLimit bounds the block, and MaxTime is the last time that it may
	// carry; 0 if the node does not say.
	WeightLimit int64
	MaxTime     uint32
}

// Empty is a template without transactions, which pays the subsidy only: what
// miners can work on until the node has put a whole block together. A Version of
// 0 becomes 0x20000000.
func Empty(h Head, n Network) (*Template, error) {
	target, err := CompactTarget(h.Bits)
	if err != nil {
		return nil, fmt.Errorf("making an empty block: %w", err)
	}
	if h.Height < 1 {
		return nil, fmt.Errorf("making an empty block: height %d", h.Height)
	}
	subsidy, err := n.Subsidy(h.Height)
	if err != nil {
		return nil, fmt.Errorf("making an empty block: %w", err)
	}
	if h.Version == 0 {
		h.Version = 0x20000000
	}
	return &Template{Head: h, Target: target, Coinbase: subsidy}, nil
}

// ParseTemplate reads a node's answer to getblocktemplate, of Bitcoin Core or of
// btcd: see [ReadTemplate].
func ParseTemplate(raw []byte) (*Template, error) {
	c := jsonscan.New(raw)
	t, err := ReadTemplate(c)
	if err == nil && c.End() != nil {
		err = fmt.Errorf("reading a block template: %w", c.End())
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ReadTemplate reads a template that stands somewhere in a document. The
// template keeps parts of the document.
//
// The witness commitment is always computed here, and compared with the node's
// if it gives one: Bitcoin Core gives the whole script, btcd the bare hash. The
// target is compared with the bits.
func ReadTemplate(c *jsonscan.Cursor) (*Template, error) {
	t, err := readTemplate(c)
	if err != nil {
		return nil, fmt.Errorf("reading a block template: %w", err)
	}
	return t, nil
}

func readTemplate(c *jsonscan.Cursor) (*Template, error) {
	t := &Template{Coinbase: -1}
	var r reader
	for name := range c.Object() {
		switch string(name) {
		case "version":
			t.Version = r.uint32(name, c.Int())
		case "previousblockhash":
			t.Prev = r.hash(name, c.Text())
		case "bits":
			t.Bits = r.bits(c.Text())
		case "height":
			t.Height = c.Int()
		case "curtime":
			t.Time = r.uint32(name, c.Int())
		case "mintime":
			t.MinTime = r.uint32(name, c.Int())
		case "maxtime":
			t.MaxTime = r.uint32(name, c.Int())
		case "target":
			t.Target = Target(r.hash(name, c.Text()))
		case "coinbasevalue":
			t.Coinbase = c.Int()
		case "coinbaseaux":
			if c.Null() {
				continue
			}
			for name := range c.Object() {
				if string(name) == "flags" {
					t.Flags = r.bytes(name, c.Text())
				} else {
					c.Skip()
				}
			}
		case "longpollid":
			t.LongPoll = string(c.Text())
		case "weightlimit":
			t.WeightLimit = c.Int()
		case "rules":
			for range c.Array() {
				t.Rules = append(t.Rules, string(c.Text()))
			}
		case "default_witness_commitment":
			t.Commitment = r.bytes(name, c.Text())
		case "transactions":
			t.Transactions = r.transactions(c)
		default:
			c.Skip()
		}
	}
	if c.Err() != nil {
		return nil, c.Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

// check asks whether all is there and fits together, and settles the commitment.
func (t *Template) check() error {
	switch {
	case t.Prev == Hash{}:
		return errors.New("previousblockhash is missing")
	case t.Height < 1:
		return errors.New("height is missing")
	case t.Bits == 0:
		return errors.New("bits are missing")
	case t.Version == 0:
		return errors.New("version is missing")
	case t.Time == 0:
		return errors.New("curtime is missing")
	case t.Coinbase < 0 || t.Coinbase > maxSats:
		return errors.New("coinbasevalue is missing or impossible: ask without the capability coinbasetxn")
	}
	for _, rule := range t.Rules {
		if must, ok := strings.CutPrefix(rule, "!"); ok && must != "segwit" {
			return fmt.Errorf("blocks must follow the rule %q, which is not known here", must)
		}
	}
	target, err := CompactTarget(t.Bits)
	if err != nil {
		return err
	}
	if t.Target != (Target{}) && t.Target != target {
		return fmt.Errorf("target %s and bits %08x do not agree", t.Target, t.Bits)
	}
	t.Target = target
	return t.commit()
}

// commit computes the witness commitment, if there is anything to commit to or
// the node does too.
func (t *Template) commit() error {
	said := t.Commitment
	if len(said) == 0 && !slices.ContainsFunc(t.Transactions, func(x Transaction) bool { return x.ID != x.WID }) {
		t.Commitment = nil
		return nil
	}
	wids := make([]Hash, len(t.Transactions))
	for i := range t.Transactions {
		wids[i] = t.Transactions[i].WID
	}
	// The coinbase stands in for itself as zeros; so does the reserved value.
	sum := join(Fold(Hash{}, Branch(wids)), Hash{})
	t.Commitment = sum[:]
	if len(said) > 0 && !bytes.Equal(said, sum[:]) && !bytes.Equal(said, commitmentScript(sum[:])) {
		return fmt.Errorf("the node's witness commitment %x is not that of its transactions, %x", said, sum)
	}
	return nil
}

// reader reads values and keeps the first mistake.
type reader struct{ err error }

func (r *reader) fail(name []byte, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", name, err)
	}
}

func (r *reader) uint32(name []byte, n int64) uint32 {
	if n < 0 {
		// Nodes write a version as a signed number.
		if n >= -1<<31 && string(name) == "version" {
			return uint32(int32(n))
		}
		n = 1 << 32
	}
	if n >= 1<<32 {
		r.fail(name, errors.New("not a number of 32 bits"))
	}
	return uint32(n)
}

func (r *reader) bits(text []byte) uint32 {
	n, err := strconv.ParseUint(string(text), 16, 32)
	if err != nil {
		r.fail([]byte("bits"), err)
	}
	return uint32(n)
}

func (r *reader) bytes(name, text []byte) []byte {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		r.fail(name, err)
	}
	return b
}

func (r *reader) hash(name, text []byte) Hash {
	h, err := reversed(text)
	if err != nil {
		r.fail(name, err)
	}
	return h
}

func (r *reader) transactions(c *jsonscan.Cursor) []Transaction {
	all := make([]Transaction, 0, 512)
	for range c.Array() {
		var t Transaction
		var id, wid []byte
		for name := range c.Object() {
			switch string(name) {
			case "data":
				t.text = c.Text()
			case "txid":
				id = c.Text()
			case "hash":
				wid = c.Text()
			case "fee":
				t.Fee = c.Int()
			case "weight":
				t.Weight = c.Int()
			default:
				c.Skip()
			}
		}
		if len(t.text) == 0 || len(t.text)%2 == 1 {
			r.fail([]byte("data"), fmt.Errorf("transaction %d has %d digits", len(all), len(t.text)))
		}
		t.WID = r.hash([]byte("hash"), wid)
		t.ID = t.WID
		if !bytes.Equal(id, wid) {
			t.ID = r.hash([]byte("txid"), id)
		}
		all = append(all, t)
	}
	return all
}
