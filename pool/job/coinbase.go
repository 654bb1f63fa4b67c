package job

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	maxSats = 21e6 * 1e8
	// coinbaseLimit is what DATUM found every miner to take, stock firmware of
	// the Antminer S19 class being the narrowest.
	coinbaseLimit = 755
	// A scriptSig of a coinbase has 2 to 100 bytes, by consensus.
	scriptLimit = 100
	witnessUnit = 4 // weight units of a byte outside the witness
)

// Payee is an output of a coinbase.
type Payee struct {
	Script []byte
	Sats   int64
}

// CoinbaseSpec says what to put into a coinbase.
type CoinbaseSpec struct {
	// Tag is a short text for all to read; may be empty.
	Tag string
	// Payees get the whole of Template.Coinbase, in this order.
	Payees []Payee
	// Extranonce is how many bytes to leave for server and miner together: 8
	// if it is 0.
	Extranonce int
	// Mask is the version bits to clear and leave to miners: MaskV2 if it is 0.
	Mask uint32
	// Limit is the most bytes that the coinbase may have without its witness:
	// 755, which every miner takes, if it is 0. Who knows better what its miners
	// take may say more.
	Limit int
}

// New makes a job of a template: a coinbase that pays the payees all there is,
// and what leads from there to the header. The job is not Clean; set that before
// anybody else has the job.
//
// The coinbase is of version 2 and, as BIP 54 wants it, locked until the block
// before its own, so that no two coinbases are ever the same transaction.
func New(t *Template, c CoinbaseSpec, id uint32, source string) (*Job, error) {
	j, err := c.job(t, id, source)
	if err != nil {
		return nil, fmt.Errorf("making a job of block %d: %w", t.Height, err)
	}
	return j, nil
}

func (c CoinbaseSpec) job(t *Template, id uint32, source string) (*Job, error) {
	if c.Extranonce == 0 {
		c.Extranonce = 8
	}
	if c.Mask == 0 {
		c.Mask = MaskV2
	}
	if c.Limit == 0 {
		c.Limit = coinbaseLimit
	}
	if id == 0 {
		return nil, errors.New("0 is not an id of a job")
	}
	if c.Extranonce < 1 || c.Extranonce > MaxExtranonce {
		return nil, fmt.Errorf("an extranonce of %d bytes: it has 1 to %d", c.Extranonce, MaxExtranonce)
	}
	if err := c.pays(t.Coinbase); err != nil {
		return nil, err
	}

	script := appendHeight(nil, t.Height)
	script = append(script, t.Flags...)
	script = appendPush(script, []byte(c.Tag))
	script = append(script, byte(c.Extranonce)) // a push of so many bytes, which follow
	if n := len(script) + c.Extranonce; n > scriptLimit {
		return nil, fmt.Errorf("the coinbase's input would have %d bytes, %d is the most: shorten the tag %q", n, scriptLimit, c.Tag)
	}

	prefix := binary.LittleEndian.AppendUint32(nil, 2) // version
	prefix = append(prefix, 1)                         // one input
	prefix = append(prefix, make([]byte, 32)...)       // of nothing
	prefix = append(prefix, 0xff, 0xff, 0xff, 0xff)
	prefix = append(prefix, byte(len(script)+c.Extranonce))
	prefix = append(prefix, script...)

	suffix := binary.LittleEndian.AppendUint32(nil, 0xfffffffe) // sequence: the lock holds
	outputs := len(c.Payees)
	if t.Commitment != nil {
		outputs++
	}
	suffix = appendCount(suffix, uint64(outputs))
	for _, p := range c.Payees {
		suffix = appendOutput(suffix, p.Sats, p.Script)
	}
	if t.Commitment != nil {
		suffix = appendOutput(suffix, 0, commitmentScript(t.Commitment))
	}
	suffix = binary.LittleEndian.AppendUint32(suffix, uint32(max(t.Height-1, 0)))

	size := len(prefix) + c.Extranonce + len(suffix)
	if size > c.Limit {
		return nil, fmt.Errorf("the coinbase would have %d bytes, which some miners do not take (limit %d): pay fewer parties in it, or by another way", size, c.Limit)
	}
	if err := t.room(size); err != nil {
		return nil, err
	}

	ids := make([]Hash, len(t.Transactions))
	size = 0
	for i := range t.Transactions {
		ids[i] = t.Transactions[i].ID
		size += t.Transactions[i].Size()
	}
	branch := Branch(ids)
	if len(branch) > MaxBranch {
		return nil, fmt.Errorf("%d transactions are too many", len(ids))
	}
	return &Job{
		ID: id, Source: source,
		Version: t.Version &^ c.Mask, Mask: c.Mask,
		Prev: t.Prev, Bits: t.Bits, Time: t.Time, MinTime: t.MinTime, MaxTime: t.MaxTime,
		Prefix: prefix, Suffix: suffix, Extranonce: c.Extranonce, Branch: branch,
		Network: t.Target, Goal: t.Target, Height: t.Height,
		Block: &Block{transactions: t.Transactions, reward: t.Coinbase, size: size, witness: t.Commitment != nil},
	}, nil
}

// pays asks whether the payees get all there is, and no more.
func (c CoinbaseSpec) pays(all int64) error {
	if len(c.Payees) == 0 {
		return errors.New("nobody is paid: name at least one payee")
	}
	var sum int64
	for i, p := range c.Payees {
		switch {
		case p.Sats < 0 || p.Sats > maxSats:
			return fmt.Errorf("payee %d of %d would get %d sats", i+1, len(c.Payees), p.Sats)
		case len(p.Script) == 0:
			return fmt.Errorf("payee %d of %d has no script to be paid to", i+1, len(c.Payees))
		}
		sum += p.Sats
		if sum > maxSats {
			break
		}
	}
	if sum != all {
		return fmt.Errorf("the payees get %d sats, the block has %d to give", sum, all)
	}
	return nil
}

// room asks whether a coinbase of so many bytes, without its witness, fits
// beside the template's transactions.
func (t *Template) room(coinbase int) error {
	if t.WeightLimit == 0 {
		return nil
	}
	weight := int64(witnessUnit * (HeaderSize + 9 + coinbase))
	if t.Commitment != nil {
		weight += 2 + 34
	}
	for i := range t.Transactions {
		if t.Transactions[i].Weight <= 0 {
			return nil // the node does not say
		}
		weight += t.Transactions[i].Weight
	}
	if weight > t.WeightLimit {
		return fmt.Errorf("the block would weigh %d units, %d is the most: have the node reserve more for the coinbase (blockreservedweight), or pay fewer parties in it", weight, t.WeightLimit)
	}
	return nil
}

// commitmentScript is the output that commits to witnesses (BIP 141).
func commitmentScript(sum []byte) []byte {
	return append([]byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}, sum...)
}

func appendOutput(b []byte, sats int64, script []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(sats))
	return append(appendCount(b, uint64(len(script))), script...)
}

// appendHeight appends a block's height as BIP 34 wants it: the shortest script
// that leaves the number. 1 to 16 have instructions of their own.
func appendHeight(b []byte, height int64) []byte {
	switch {
	case height <= 0:
		return append(b, 0)
	case height <= 16:
		return append(b, 0x50+byte(height))
	}
	var n []byte
	for h := uint64(height); h > 0; h >>= 8 {
		n = append(n, byte(h))
	}
	if n[len(n)-1]&0x80 != 0 { // the highest bit is the sign
		n = append(n, 0)
	}
	return append(append(b, byte(len(n))), n...)
}

// appendPush appends an instruction that pushes data, if there is any. Data of
// more than 255 bytes fit in no coinbase.
func appendPush(b, data []byte) []byte {
	switch n := len(data); {
	case n == 0:
		return b
	case n > 75:
		b = append(b, 0x4c, byte(min(n, 255)))
	default:
		b = append(b, byte(n))
	}
	return append(b, data...)
}
